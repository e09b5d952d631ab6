"""Where programs and what they need to run and to resolve names lie; no data, no keys, no home."""

from __future__ import annotations

import sys
from pathlib import Path

_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/opt",
    "/etc/ssl",
    "/etc/gnutls",
    "/etc/ld.so.cache",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/run/systemd/resolve",
    "/dev/urandom",
)
_PACKAGE = Path(__file__).resolve().parents[2]

LISTED = (_PACKAGE.parent,)
"""Where Python looks for the project: it may see what lies there, not read it."""


def installed() -> list[Path]:
    """Give those of them that this machine has, this Python and this project included."""
    places = [*map(Path, _SYSTEM), Path(sys.prefix), Path(sys.base_prefix), _PACKAGE]
    return [each.resolve() for each in places if each.exists()]
