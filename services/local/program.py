"""What the stack runs: the services of this project, and nginx."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import services
from services.domain.secrets import Secret

# The folder from which `python -m services.…` finds this code and no other.
HOME = Path(services.__file__).parent.parent

_INHERITED = frozenset(
    {
        "HOME",
        "USER",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "TMPDIR",
        "TZ",
        "TERM",
        "NO_COLOR",
        "FORCE_COLOR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    }
)
_SYSTEM_FOLDERS = "/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One child of the stack.

    `on_lifeline`: it inherits the lifeline and stops by itself when that ends; any other gets SIGTERM.
    `relayed`: its output does not say whose it is, so the stack reads it, hides the `hidden` texts and logs it.
    A service on the lifeline is not relayed: it must be able to write when the stack is dead.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    on_lifeline: bool = False
    relayed: bool = False
    hidden: tuple[Secret, ...] = ()


def search_path() -> str:
    """Give PATH with the system's folders, which few users have on theirs."""
    return f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}"


def plain_environment() -> dict[str, str]:
    """Give what a child may know of the environment: nothing that is set for another service."""
    kept = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return kept | {"PATH": search_path()}


def python(module: str) -> tuple[str, ...]:
    """Give the command of one of our own programs, run by this very interpreter."""
    return (sys.executable, "-m", module)


def dies_with_parent(signal_name: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command of a foreign program that knows no lifeline: the kernel sends it the signal instead."""
    return ("setpriv", "--pdeathsig", signal_name, "--", *argv)
