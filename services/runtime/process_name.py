"""Names processes for good, so that another on the same machine can say that one is over."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

_ZOMBIE = "Z"


def own_name(host: str = "") -> str:
    """Name this process among all there ever were: `<host>:<kernel>:<pid>:<start>`; no `host` is this machine's own."""
    return f"{host or socket.gethostname()}:{_kernel()}:{os.getpid()}:{_start(os.getpid())}"


def is_over(name: str) -> bool:
    """Say whether the process of that name has surely ended; of another machine's, or of an earlier boot's, none is."""
    parts = name.rsplit(":", 3)
    if len(parts) != 4 or parts[1] != _kernel() or not parts[2].isdecimal():  # noqa: PLR2004 - as own_name has
        return False
    return _start(int(parts[2])) != parts[3]


def runs_here(name: str) -> bool:
    """Say whether the process of that name surely runs, on this machine."""
    parts = name.rsplit(":", 3)
    is_local = len(parts) == 4 and parts[1] == _kernel() and parts[2].isdecimal()  # noqa: PLR2004 - as own_name has
    return is_local and _start(int(parts[2])) == parts[3]


def _kernel() -> str:
    """Name this boot of this machine, and the table of processes in which pids count: a container has its own."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    return hashlib.sha256(f"{boot}{Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:12]


def _start(pid: int) -> str | None:
    """Give when a process started, in ticks since the boot, or None if it runs no more (proc(5), /proc/pid/stat)."""
    try:
        # The second field is the program's name, in which anything may stand.
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == _ZOMBIE else fields[18]
