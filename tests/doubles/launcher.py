"""A launcher whose workers do as little as a test wants: nothing at all, or pull the stream with ffmpeg."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from services.domain.errors import LaunchFailed
from services.domain.ports import LaunchOrder

WorkerProgram = Callable[[LaunchOrder], "subprocess.Popen[bytes] | None"]
"""Starts what stands for a worker; None: it exists in name only, until `end` is called."""

KILL_SECONDS = 5.0


def no_program(_order: LaunchOrder) -> None:
    """Stand for a worker that never pulls."""


@dataclass(slots=True, kw_only=True)
class LauncherDouble:
    """Satisfies the Launcher port; `orders` lists what was launched, `on_exit(session, returncode)` hears of ends.

    While `gate` is closed, launching waits. `most_at_once` is how many launches ever were under way together.
    """

    on_exit: Callable[[str, int], None] = lambda _session_id, _returncode: None
    program: WorkerProgram = no_program
    orders: list[LaunchOrder] = field(default_factory=list)
    refused: int = 0
    killed: list[str] = field(default_factory=list)
    most_at_once: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    _failures: int = 0
    _at_once: int = 0
    _workers: dict[str, list[subprocess.Popen[bytes] | None]] = field(default_factory=dict)
    _watchers: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate.set()

    def fail(self, times: int) -> None:
        """Refuse the next launches."""
        self._failures = times

    def launch(self, order: LaunchOrder) -> None:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.gate.wait(KILL_SECONDS)
            self._launch(order)
        finally:
            with self._lock:
                self._at_once -= 1

    def _launch(self, order: LaunchOrder) -> None:
        with self._lock:
            if self._failures:
                self._failures -= 1
                self.refused += 1
                raise LaunchFailed("the test wants no worker now")
            if len(self._workers.get(order.session_id, ())) > order.is_successor:
                return
            process = self.program(order)
            self._workers.setdefault(order.session_id, []).append(process)
            self.orders.append(order)
            if process is not None:
                watcher = threading.Thread(target=self._watch, args=(order.session_id, process))
                self._watchers.append(watcher)
                watcher.start()

    def running(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._workers)

    def end(self, session_id: str, returncode: int) -> None:
        """Let a worker in name only die."""
        self._forget(session_id, None)
        self.on_exit(session_id, returncode)

    def kill(self, session_id: str) -> None:
        with self._lock:
            workers = tuple(self._workers.get(session_id, ()))
            self.killed += [session_id] * len(workers)
        for worker in workers:
            if worker is None:
                self.end(session_id, -9)
            else:
                worker.kill()

    def _forget(self, session_id: str, worker: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            self._workers[session_id].remove(worker)
            if not self._workers[session_id]:
                del self._workers[session_id]

    def stop(self, deadline_seconds: float) -> None:
        self.gate.set()
        with self._lock:
            processes = [worker for workers in self._workers.values() for worker in workers if worker is not None]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(min(deadline_seconds, KILL_SECONDS))
            except subprocess.TimeoutExpired:
                process.kill()
        for watcher in self._watchers:
            watcher.join(KILL_SECONDS)

    def _watch(self, session_id: str, process: subprocess.Popen[bytes]) -> None:
        returncode = process.wait()
        self._forget(session_id, process)
        self.on_exit(session_id, returncode)
