"""Starts this package's other programs: nothing of a request in their command lines, no secret in their environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from services.runtime.child_environment import child_environment


def start(module: str, arguments: Sequence[str] = (), *, session: bool = False) -> subprocess.Popen[bytes]:
    """Start `python -m module`; what it complains of is dropped: it may quote a stranger's address."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=session,
    )
