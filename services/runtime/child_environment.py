"""What the programs that read a stranger's stream may know of this one's environment."""

from __future__ import annotations

import os

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def child_environment() -> dict[str, str]:
    """Give what a program needs to run, and no more: none of our settings and credentials."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LANG": "C.UTF-8"}
