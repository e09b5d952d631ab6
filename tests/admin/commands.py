"""The admin commands as an operator runs them: processes."""

from __future__ import annotations

import os
import subprocess
import sys

DEADLINE_SECONDS = 60
COMMAND = (sys.executable, "-m", "services.admin")

Done = subprocess.CompletedProcess[bytes]


def environment(**variables: str) -> dict[str, str]:
    """Give what a command finds around it, with these STREAMKEEP_ variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
    return clean | {f"STREAMKEEP_{name}": value for name, value in variables.items()}


def run(*arguments: str, given: bytes = b"", **around: str) -> Done:
    """Run a command to its end; `around` are its STREAMKEEP_ variables."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**around),
        input=given,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
