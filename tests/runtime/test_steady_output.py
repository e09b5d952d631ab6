from __future__ import annotations

import subprocess
import sys

import pytest

LOGS_AND_GOES_ON = """
import logging, sys
import structlog
from services.runtime import logging as ours
ours.configure("double", level="info", form=sys.argv[1])
sys.stdin.readline()
structlog.get_logger().info("first")
logging.getLogger("library").error("second")
structlog.get_logger().info("third")
print("went on", flush=True)
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_service_goes_on_when_nobody_reads_its_log_any_more(form: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOGS_AND_GOES_ON, form],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stderr is not None
        service.stderr.close()
        service.stderr = None
        said, _ = service.communicate("\n", timeout=30)

    assert said == "went on\n"
    assert service.returncode == 0
