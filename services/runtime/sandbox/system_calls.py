"""seccomp: the kernel answers EPERM to every system call but those that decoding needs.

It goes through libseccomp, which Debian's apt needs and every Debian therefore has: it knows the calls' numbers on each
architecture. Nothing that opens a file, a socket or a program is among the allowed.
"""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Iterable

LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_UNKNOWN = -1  # libseccomp's __NR_SCMP_ERROR

_DECODING = """
    brk mmap munmap mprotect mremap madvise
    read readv write writev lseek close fstat newfstatat fcntl dup poll ppoll select pselect6
    futex sched_yield sched_getaffinity membarrier rseq set_robust_list get_robust_list
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrandom
    getpid gettid getppid getuid geteuid getgid getegid getrusage uname sysinfo
    restart_syscall exit exit_group
"""
_CONNECTING = """
    connect getsockopt setsockopt getsockname getpeername sendto recvfrom sendmsg recvmsg shutdown
    epoll_create1 epoll_ctl epoll_wait epoll_pwait
"""
DECODING = frozenset(_DECODING.split())
CONNECTING = DECODING | frozenset(_CONNECTING.split())
"""The same for one that reads from a TCP connection, the only socket that `Filter` then lets it make; where that may
lead is Landlock's business."""


class _Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


_EQUAL, _MASKED_EQUAL = 4, 7
_KIND_MASK = 0xF  # of a socket's type; above it are flags


class NoSandbox(Exception):
    """A machine that cannot keep a process from what it must not do."""


class Filter:
    """A filter that is ready to be put in force: its library is a file, which later can be opened no more."""

    def __init__(self, names: Iterable[str], *, tcp: bool = False) -> None:
        """Allow the system calls of these names, and with `tcp` sockets of IPv4 TCP; raise NoSandbox."""
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise NoSandbox(f"install libseccomp2: {LIBRARY} is missing") from error
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))
        for name in names:
            self._allow(name)
        if tcp:
            family = _Comparison(0, _EQUAL, socket.AF_INET, 0)
            kind = _Comparison(1, _MASKED_EQUAL, _KIND_MASK, socket.SOCK_STREAM)
            self._allow("socket", family, kind)

    def enforce(self) -> None:
        """Let this process make no other system calls from here on; raise NoSandbox."""
        failed = self._library.seccomp_load(self._context)
        if failed:
            raise NoSandbox(f"the kernel takes no seccomp filter (error {-failed})")

    def _allow(self, name: str, *where: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN:
            return  # an architecture that has no such call
        comparisons = (_Comparison * len(where))(*where)
        rule = (ctypes.c_uint32(_ALLOW), ctypes.c_int(number), ctypes.c_uint(len(where)), comparisons)
        self._library.seccomp_rule_add_array(self._context, *rule)
