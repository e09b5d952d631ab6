"""The sandboxes: of who decodes, of who reads from a single connection, of ffmpeg, and of who fetches."""

from __future__ import annotations

from services.grabber.sandbox import kernel, landlock, limits, system_calls
from services.grabber.sandbox.installed import LISTED, installed


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
