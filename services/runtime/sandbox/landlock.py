"""Landlock: the kernel lets this process at no file, and to no TCP port, but those named (landlock(7), Linux 5.13)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from services.runtime.sandbox.kernel import system_call

# The numbers are the same on all architectures.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # flag of _CREATE_RULESET
_RULE_PATH, _RULE_PORT = 1, 2

_EXECUTE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 2, 1 << 3
_READ_ONLY = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_WRITE_FILE = 1 << 1
_NOWHERE = Path("/dev/null")
_CONNECT_TCP = 1 << 1
# How many rights on files each version knows, from version 1 on; those on networks came with version 4, scopes with 6.
_FILE_RIGHTS = (13, 14, 15, 15, 16)
NETWORK_SINCE, _SCOPES_SINCE = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def version() -> int:
    """Give what the kernel offers, 0 for nothing."""
    try:
        return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def confine(*, readable: Sequence[Path] = (), listed: Sequence[Path] = (), ports: Sequence[int] | None = ()) -> int:
    """Allow reading and running below `readable`, names below `listed`, TCP connections to `ports` (None: to all).

    Give the kernel's version of Landlock; with 0 nothing is confined, below 4 not the ports. Privileges must have been
    given up before.
    """
    offered = version()
    if offered == 0:
        return 0
    files = (1 << _FILE_RIGHTS[min(offered, len(_FILE_RIGHTS)) - 1]) - 1
    network = 0b11 if offered >= NETWORK_SINCE and ports is not None else 0
    scopes = 0b11 if offered >= _SCOPES_SINCE else 0
    rules = _Ruleset(files, network, scopes)
    ruleset = system_call(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow_path(ruleset, path, _READ_ONLY if path.is_dir() else _EXECUTE | _READ_FILE)
        for path in listed:
            _allow_path(ruleset, path, _READ_DIRECTORY)
        if readable:
            _allow_path(ruleset, _NOWHERE, _READ_FILE | _WRITE_FILE)
        for port in ports or () if network else ():
            _add(ruleset, _RULE_PORT, _PortRule(_CONNECT_TCP, port))
        system_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return offered


def _allow_path(ruleset: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _add(ruleset, _RULE_PATH, _PathRule(rights, opened))
    finally:
        os.close(opened)


def _add(ruleset: int, kind: int, rule: ctypes.Structure) -> None:
    system_call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(kind), ctypes.byref(rule), ctypes.c_uint32(0))
