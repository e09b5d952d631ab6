"""What this machine cannot keep a process from, for its operator."""

from __future__ import annotations

import structlog

from services.runtime.sandbox import landlock, system_calls

log = structlog.get_logger()


def lacking() -> list[str]:
    """Give it in words, nothing where a sandbox is whole."""
    offered = landlock.version()
    found = []
    if offered == 0:
        found.append("no Landlock (Linux 5.13, enabled): its files and its TCP connections are not confined")
    elif offered < landlock.NETWORK_SINCE:
        found.append("no Landlock of version 4 (Linux 6.7): its TCP connections are not confined")
    try:
        system_calls.Filter(())
    except system_calls.NoSandbox as error:
        found.append(str(error))
    return found


def tell_what_lacks() -> None:
    """Log it, if there is anything: call it once in a program that has strangers' streams read."""
    found = lacking()
    if found:
        log.warning("sandbox_partial", missing=found)
