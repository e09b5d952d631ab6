"""What a program that was taken over might try: `python -m tests.grabber.hostile_payload <sandbox> <file> <port>`.

The sandbox is `decoder`, `reader`, or `none`: then only what leaves this machine and this process as they were.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from services.runtime.sandbox.confinement import confine_decoder, confine_reader

HARMLESS = ("write", "append", "read", "connect", "send a datagram", "listen", "run", "signal")


def attempts(file: Path, port: int) -> dict[str, Callable[[], object]]:
    """Give deeds by name; none may come off."""
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "write": lambda: file.with_suffix(".written").write_text("x"),
        "append": lambda: file.open("a").write("x"),
        "read": file.read_text,
        "remove": file.unlink,
        "make a folder": file.with_suffix(".folder").mkdir,
        "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=2),
        "send a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "run": lambda: subprocess.run(["/bin/true"], check=True),
        "become": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - that it could is the point
        "fork": os.fork,
        "signal": lambda: os.kill(os.getppid(), signal.SIGCONT),
        "look into another": lambda: _checked(libc.ptrace(16, os.getppid(), 0, 0)),
        "lift a limit": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
        "take memory": lambda: bytearray(4 << 30),
    }


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno())
    return result


def main() -> None:
    """Give up all rights, then try; tell what came off."""
    which, file, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    deeds = attempts(file, port)
    match which:
        case "decoder":
            version = confine_decoder()
        case "reader":
            version = confine_reader(port ^ 1)
        case _:
            version = 0
    done = []
    for name in HARMLESS if which == "none" else deeds:
        deed = deeds[name]
        try:
            deed()
        except (OSError, MemoryError, ValueError, subprocess.SubprocessError):
            continue
        done.append(name)
    print(json.dumps({"landlock": version, "done": done}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
