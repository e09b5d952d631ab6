"""The sandboxes: of who decodes, of who reads from a single connection or carries one on, of ffmpeg, of who fetches."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from services.runtime.sandbox import kernel, landlock, limits, system_calls
from services.runtime.sandbox.installed import LISTED, installed


def confine_decoder() -> int:
    """Leave this process nothing but what it holds open; give the version of Landlock.

    All modules must have been loaded before.
    """
    calls = system_calls.Filter(system_calls.DECODING)
    kernel.gain_no_privileges()
    limits.limit()
    offered = landlock.confine()
    calls.enforce()
    return offered


def confine_reader(port: int) -> int:
    """Leave this process what it holds open, and TCP connections to `port`; give the version of Landlock."""
    calls = system_calls.Filter(system_calls.CONNECTING, tcp=True)
    kernel.gain_no_privileges()
    limits.limit(files=24)
    offered = landlock.confine(ports=[port])
    calls.enforce()
    return offered


def confine_carrier(ports: Sequence[int], *, memory_bytes: int) -> None:
    """Leave this process, for as long as it lives, what it holds open, and TCP connections to `ports`.

    Where the kernel takes no filter of system calls the rest is in force all the same.
    """
    kernel.gain_no_privileges()
    limits.limit(memory_bytes=memory_bytes, files=32, cpu_seconds=None)
    try:
        calls = system_calls.Filter(system_calls.CONNECTING, tcp=True)
    except system_calls.NoSandbox:
        calls = None
    landlock.confine(ports=ports)
    if calls is not None:
        with contextlib.suppress(system_calls.NoSandbox):
            calls.enforce()


def confine_program() -> int:
    """Leave this process and the program that it becomes what is installed, to read and to run, and UDP."""
    kernel.gain_no_privileges()
    limits.limit(files=64, processes=None)
    return landlock.confine(readable=installed())


def confine_fetcher() -> int:
    """Leave this process the network, and what is installed to read and to run; it writes nothing."""
    kernel.gain_no_privileges()
    limits.limit(files=128, processes=None)
    return landlock.confine(readable=installed(), listed=LISTED, ports=None)
