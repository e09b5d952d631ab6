"""Workers as child processes of this one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from services.domain.errors import LaunchFailed
from services.domain.ids import require_id
from services.domain.ports import LaunchOrder

PASSED_ON = ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What of this process's own environment a worker gets besides what it is given."""

LIFELINE_VARIABLE = "STREAMKEEP_LIFELINE_FD"
KILL_SECONDS = 5.0  # how long the kernel may take to end a killed process


def of_worker(order: LaunchOrder) -> Sequence[str]:
    """Give the arguments of a worker."""
    return ("--channel", order.channel_id, "--session", order.session_id)


def of_puller(order: LaunchOrder) -> Sequence[str]:
    """Give the arguments of the program that fetches a channel's source; its order has the channel's id twice."""
    return ("--channel", order.channel_id)


class ProcessLauncher:
    """Starts each worker in a process group of its own, notices its end at once and leaves nothing of it behind.

    Whatever a worker started and left in its group is killed when it ends. A session has one worker, or two while the
    first is leaving and hands over to its successor.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        lifeline_fd: int | None,
        on_exit: Callable[[str, int], None] | None,
        arguments: Callable[[LaunchOrder], Sequence[str]] = of_worker,
    ) -> None:
        """Start `command` with `environment` and what `arguments` gives for an order.

        `on_exit(session_id, returncode)` is called in a thread of its own; the return code is negative for a signal.
        `lifeline_fd` is handed down, so that a worker ends with the stack.
        """
        self._command = tuple(command)
        self._arguments = arguments
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        lifeline = {} if lifeline_fd is None else {LIFELINE_VARIABLE: str(lifeline_fd)}
        self._environment = {**inherited, **environment, **lifeline}
        self._handed_down = () if lifeline_fd is None else (lifeline_fd,)
        self._on_exit = on_exit
        self._changed = threading.Condition()
        self._children: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._watchers: set[threading.Thread] = set()
        self._stopping = False

    def launch(self, order: LaunchOrder) -> None:
        """Start one worker and return at once; raise LaunchFailed.

        Nothing happens if the session's still runs; of a successor, if two do.
        """
        require_id("channel_id", order.channel_id)
        session_id = require_id("session_id", order.session_id)
        with self._changed:
            if self._stopping:
                raise LaunchFailed("no worker is started: this process is stopping")
            if len(self._children.get(session_id, ())) > order.is_successor:
                return
            child = self._start([*self._command, *self._arguments(order)])
            self._children.setdefault(session_id, []).append(child)
            watcher = threading.Thread(
                target=self._watch, args=(session_id, child), name=f"worker of {session_id}", daemon=True
            )
            self._watchers.add(watcher)
            watcher.start()

    def running(self) -> frozenset[str]:
        """Give the sessions whose worker runs as a child of this process."""
        with self._changed:
            return frozenset(self._children)

    def kill(self, session_id: str) -> None:
        """Kill a session's workers with all that is in their groups."""
        with self._changed:
            for child in self._children.get(session_id, ()):
                os.killpg(child.pid, signal.SIGKILL)

    def stop(self, deadline_seconds: float) -> None:
        """Start no more, ask every worker to end (SIGINT), and kill those that have not after `deadline_seconds`.

        SIGINT and not SIGTERM: that one asks a worker to hand over to a successor, and here none will come.
        """
        with self._changed:
            self._stopping = True
            for child in self._all():
                os.kill(child.pid, signal.SIGINT)
            if not self._changed.wait_for(lambda: not self._children, timeout=deadline_seconds):
                for child in self._all():
                    os.killpg(child.pid, signal.SIGKILL)
            watchers = tuple(self._watchers)
        give_up_at = time.monotonic() + KILL_SECONDS
        for watcher in watchers:
            watcher.join(max(0.0, give_up_at - time.monotonic()))

    def _all(self) -> list[subprocess.Popen[bytes]]:
        return [child for children in self._children.values() for child in children]

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # its watcher waits for it
                argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=self._handed_down,
                start_new_session=True,  # a Ctrl-C in the terminal reaches the stack only, which then asks the workers
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise LaunchFailed(f"the worker program {argv[0]} cannot be started: {error}") from error

    def _watch(self, session_id: str, child: subprocess.Popen[bytes]) -> None:
        # Until the child is reaped its number is nobody else's, and signals are sent under the lock that reaps it.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with self._changed:
            os.killpg(child.pid, signal.SIGKILL)
            returncode = child.wait()
            self._children[session_id].remove(child)
            if not self._children[session_id]:
                del self._children[session_id]
            self._changed.notify_all()
        try:
            if self._on_exit is not None:
                self._on_exit(session_id, returncode)
        finally:
            with self._changed:
                self._watchers.discard(threading.current_thread())
