"""Small programs of their own process: what they print and how they exit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

DEADLINE_SECONDS = 30


def run(code: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing but `environment` and what Python needs, to its end."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
