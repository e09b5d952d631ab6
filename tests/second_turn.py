"""Runs tests, and what failed of them once more and alone: `python -m tests.second_turn PYTEST-ARGUMENT…`.

Tests of whole broadcasts have deadlines, and a machine that does something else for a moment makes one of 5,000 miss
its own. Whoever passes the second time is named at the end, to be looked at; more than a few are no accident.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LASTFAILED = Path(".pytest_cache/v/cache/lastfailed")
ALONE = ("-n", "0", "--dist", "no", "--last-failed")
MOST = 5
"""So many failures may have been accidents."""
SOME_FAILED = 1
"""What pytest exits with when tests ran and some failed; everything else is no matter of luck."""


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments say, in the folder of the project; give pytest's exit code."""
    code = _pytest("--cache-clear", *arguments)
    if code != SOME_FAILED:
        return code
    failed = sorted(json.loads(LASTFAILED.read_text()))
    if len(failed) > MOST:
        print(f"{len(failed)} failed, more than {MOST}: none gets a second turn", flush=True)
        return code
    print(f"== once more and alone, the {len(failed)} that failed", flush=True)
    code = _pytest(*arguments, *ALONE)
    still = sorted(json.loads(LASTFAILED.read_text())) if code else []
    for name in failed:
        print(f"failed twice: {name}" if name in still else f"failed, and passed the second time: {name}", flush=True)
    return code


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
