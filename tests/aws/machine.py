"""Commands that run as on a machine of their own, the way a task of Fargate does.

A process finds out by the boot's name whether another's name is of its machine (services/runtime/process_name.py): here
each has a boot of its own, so that nobody sees by the kernel that another has died. What is written below `disk` is in
memory and goes with the process.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

DISK_BYTES = 256 * 1024 * 1024
_SCRIPT = """
mount --bind "$1/boot" /proc/sys/kernel/random/boot_id && mount -t tmpfs -o size=$2 tmpfs "$1/disk" || exit 1
log=$3
shift 3
exec setpriv --pdeathsig KILL -- "$@" >>"$log" 2>&1
"""


def alone(folder: Path, log: Path, argv: Sequence[str]) -> list[str]:
    """Give the command that becomes `argv` on a machine of its own, whose disk is at `folder`/disk."""
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    (folder / "boot").write_text(f"{uuid.uuid4()}\n")
    flags = "-m" if os.geteuid() == 0 else "-rm"  # in a user namespace of its own where this is not root
    return ["unshare", flags, "sh", "-c", _SCRIPT, "machine", str(folder), str(DISK_BYTES), str(log), *argv]
