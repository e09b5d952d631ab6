"""A worker's double: it reports itself over a socket, then obeys, ignores or leaves, as it was told.

Its own process's end closes the socket, so whoever listens sees both the start and the end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Report argv, environment and standing to REPORT_PORT, then do what BEHAVIOUR says."""
    behaviour = os.environ["BEHAVIOUR"]
    if behaviour == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it without a traceback
    with socket.create_connection(("127.0.0.1", int(os.environ["REPORT_PORT"]))) as report:
        if behaviour == "leave-a-child":
            subprocess.Popen(["sleep", "60"], pass_fds=[report.fileno()])  # keeps the socket open while it lives
        facts = {
            "argv": sys.argv[1:],
            "environment": dict(os.environ),
            "is_session_leader": os.getsid(0) == os.getpid(),
            "stdin": str(Path("/proc/self/fd/0").readlink()),
            "descriptors": [int(name) for name in os.listdir("/proc/self/fd")],  # noqa: PTH208 - numbers are wanted
            "pid": os.getpid(),
        }
        report.sendall(json.dumps(facts).encode() + b"\n")
        if behaviour == "exit-3":
            sys.exit(3)
        if behaviour == "leave-a-child":
            os._exit(0)
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
