"""What programs tell CloudWatch: with the deployment's name set, and not otherwise."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.gateway.nginx_process import free_ports
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent


def told(module: str, variables: Mapping[str, str], log: str) -> str:
    """Run a program until it has logged `log`, ask it to end, and give its standard output."""
    environment = {"PATH": os.environ["PATH"], **{f"STREAMKEEP_{name}": value for name, value in variables.items()}}
    with subprocess.Popen(
        [sys.executable, "-m", module], env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stderr is not None
        stderr = program.stderr
        os.set_blocking(stderr.fileno(), False)
        seen = bytearray()

        def has_logged() -> bool:
            seen.extend(stderr.read() or b"")
            return log.encode() in seen

        eventually(has_logged, within=30, what=f"{log} in {module}'s log")
        program.send_signal(signal.SIGTERM)
        out, _ = program.communicate(timeout=20)
    assert program.returncode == 0
    return out.decode()


def variables_of(name: str, folder: Path) -> dict[str, str]:
    (port,) = free_ports(1)
    storage = {"STATE_PATH": str(folder / "state.db"), "OBJECTS_PATH": str(folder / "objects"), "PORT": str(port)}
    if name == "services.reconciler":
        return storage
    (unused,) = free_ports(1)
    own = {"SPOOL_PATH": str(folder / "spool"), "PUBLISH_SECRETS": "one:secret", "INTERNAL_TOKEN": "internal-token"}
    return {**storage, **own, "NGINX_URL": f"http://127.0.0.1:{unused}"}


PROGRAMS = {
    "services.reconciler": ("reconciler_started", "Sweeps"),
    "services.gateway": ("callback_app_started", "PublishesAccepted"),
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_program_tells_its_figures_under_the_deployments_name_at_its_end_at_the_latest(
    name: str, tmp_path: Path
) -> None:
    log, metric = PROGRAMS[name]
    out = told(name, {**variables_of(name, tmp_path), "METRICS_STACK": "live"}, log)

    (line,) = (json.loads(each) for each in out.splitlines())
    assert (line["Stack"], line["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("live", "streamkeep")
    assert metric in line


def test_without_the_deployments_name_nothing_is_told(tmp_path: Path) -> None:
    log, _ = PROGRAMS["services.reconciler"]

    assert told("services.reconciler", variables_of("services.reconciler", tmp_path), log) == ""
