"""checkov, which lives in a virtual environment of its own: it wants older versions of what we run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.aws.exceptions import EXCEPTIONS
from tests.aws.templates import FOLDER, NAMES, NESTED

CHECKOV = Path(sys.prefix) / "share/streamkeep/checkov/bin/checkov"
CFN_LINT = Path(sys.executable).parent / "cfn-lint"
DEADLINE_SECONDS = 100
WITHOUT_CLOUDFRONT = ("us-gov-west-1", "cn-north-1")
NOT_EVERYWHERE = ("delivery", "budget", "ping")
"""What main.yaml leaves out where a parameter or the partition says so."""


def test_checkov_finds_what_stands_among_the_exceptions_and_nothing_else() -> None:
    assert CHECKOV.exists(), f"there is no {CHECKOV}: ./setup.sh test installs it"
    argv = [str(CHECKOV), "-d", str(FOLDER), "--framework", "cloudformation", "--skip-download", "--compact"]
    ended = subprocess.run([*argv, "--quiet", "-o", "json"], capture_output=True, timeout=DEADLINE_SECONDS, check=False)
    told = json.loads(ended.stdout)

    assert told["summary"]["parsing_errors"] == 0
    assert told["summary"]["passed"] > 150
    found: dict[str, set[str]] = {}
    for each in told["results"]["failed_checks"]:
        place = f"{Path(each['file_path']).stem}.{each['resource'].rpartition('.')[2]}"
        found.setdefault(each["check_id"], set()).add(place)
    assert found == {check: set(places) for check, places in EXCEPTIONS.items()}


def test_the_rest_deploys_where_there_is_no_cloudfront() -> None:
    everywhere = [str(FOLDER / f"{name}.yaml") for name in NAMES if name not in NOT_EVERYWHERE]
    assert set(NOT_EVERYWHERE) <= set(NESTED)

    ended = subprocess.run(
        [str(CFN_LINT), "--regions", *WITHOUT_CLOUDFRONT, "--template", *everywhere],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert ended.stdout + ended.stderr == ""
