"""Starts this package's other programs: nothing of a request in their command lines, no secret in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def environment() -> dict[str, str]:
    """Give what a program needs to run, and no more."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LANG": "C.UTF-8"}


def start(module: str, arguments: Sequence[str] = (), *, session: bool = False) -> subprocess.Popen[bytes]:
    """Start `python -m module`; what it complains of is dropped: it may quote a stranger's address."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=session,
    )
