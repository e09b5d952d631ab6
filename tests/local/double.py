"""Small real programs that a stack may run: `python -m tests.local.double NEWS NAME KIND [ARGUMENT]`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from tests.local.news import report


def service() -> None:
    """Work until the lifeline ends, then finish."""
    tell("started")
    with socket.socket(fileno=int(os.environ["STREAMKEEP_LIFELINE_FD"])) as lifeline:
        lifeline.recv(1)
        tell("finished")


def stubborn() -> None:
    """Hear no wish to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    tell("started")
    while True:
        signal.pause()


def foreign() -> None:
    """Know no lifeline; end with SIGTERM. Its argument is what it prints."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.stderr.write(f"{argument}\n")
    sys.stderr.flush()
    tell("started")
    signal.sigwait({signal.SIGTERM})
    tell("terminated")


def ends() -> None:
    """End at once with the exit code that is its argument."""
    tell("started")
    raise SystemExit(int(argument))


def leaves() -> None:
    """End, leaving a stubborn process in its group, as nginx leaves workers when it is killed."""
    child = subprocess.Popen([sys.executable, "-m", "tests.local.double", news, "left", "stubborn"])
    tell(f"left {child.pid}")
    signal.pause()


def has_stubborn_child() -> None:
    """Be a service, and the parent of a stubborn process with a session of its own."""
    subprocess.Popen([sys.executable, "-m", "tests.local.double", news, "child", "stubborn"], start_new_session=True)
    service()


def shows_environment() -> None:
    """Report the names of the variables it sees."""
    tell("sees " + " ".join(sorted(os.environ)))
    signal.pause()


def tell(what: str) -> None:
    report(news, name, what, os.getpid())


if __name__ == "__main__":
    news, name, kind, argument = [*sys.argv[1:], ""][:4]
    globals()[kind]()
