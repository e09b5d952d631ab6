"""The processor time of a process and all that it has started, what has ended meanwhile included."""

from __future__ import annotations

from collections import Counter

import psutil

LOOKS = 20


def tree_cpu(root: psutil.Process) -> Counter[str]:
    """Give the CPU seconds used so far by `root` and its descendants, by what each of them is.

    What has ended counts with the process that waited for it; a tree that changes while it is read is read again.
    """
    for _ in range(LOOKS):
        before = _tree(root)
        try:
            used = _used(root, before)
        except psutil.NoSuchProcess:
            continue
        if _tree(root) == before:
            return used
    raise RuntimeError(f"the processes below {root.pid} change faster than they can be read")


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _used(root: psutil.Process, tree: list[psutil.Process]) -> Counter[str]:
    used: Counter[str] = Counter()
    for process in tree:
        times = process.cpu_times()
        used[_what(root, process)] += times.user + times.system  # type: ignore[assignment] # seconds are no whole numbers
        used["ended"] += times.children_user + times.children_system  # type: ignore[assignment] # the same
    return used


def _what(root: psutil.Process, process: psutil.Process) -> str:
    """Name a process by its part: the worker itself, its picture child, or the program it is."""
    if process == root and "services.worker" in process.cmdline():
        return "worker"
    if "services.worker.pictures.picture" in process.cmdline():
        return "picture child"
    return process.name()
