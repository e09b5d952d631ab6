"""Bounds that every kernel has: what a process may write, open, start and use up."""

from __future__ import annotations

import resource

MEMORY_BYTES = 1536 * 1024 * 1024
"""Address space; a 4K HEVC picture takes some 700 MB of it, much of that code and reserve."""
CPU_SECONDS = 8


def limit(
    *,
    memory_bytes: int = MEMORY_BYTES,
    files: int = 16,
    processes: int | None = 0,
    cpu_seconds: int | None = CPU_SECONDS,
) -> None:
    """Write into no file, leave no core; with `processes` or `cpu_seconds` None their bounds stay as they are."""
    bounds = {
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NOFILE: files,
    }
    if processes is not None:
        bounds[resource.RLIMIT_NPROC] = processes
    if cpu_seconds is not None:
        bounds[resource.RLIMIT_CPU] = cpu_seconds
    for kind, value in bounds.items():
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
