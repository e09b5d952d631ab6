"""The containers of the fake ECS: a process for each task that runs, ended as ECS ends one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.doubles.ecs_plane import Plane, arn_of_cluster
from tests.doubles.ecs_task import STOPPING, FakeTask

Program = Callable[[FakeTask], list[str]]
"""Gives the argv of a task's container."""

PASSED_ON = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")
END_SECONDS = 10.0


def worker_program(task: FakeTask) -> list[str]:
    """Run the project's worker with the task's command."""
    return [sys.executable, "-m", "services.worker", *task.command]


class Containers:
    """Starts a task's process when its time has come, and says when it is over; without a program it starts none."""

    def __init__(
        self,
        plane: Plane,
        lock: threading.RLock,
        program: Program | None,
        environment: Callable[[FakeTask], Mapping[str, str]],
        *,
        speed: float,
        stop_timeout: float,
    ) -> None:
        self.url = ""
        self._plane, self._lock = plane, lock
        self._program, self._environment = program, environment
        self._speed, self._stop_timeout = speed, stop_timeout
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._timers: list[threading.Timer] = []
        self._lives: list[threading.Thread] = []
        self._closed = threading.Event()

    def look_at(self, task: FakeTask) -> None:
        """See to a task that was made or asked to stop; called under the lock."""
        if self._program is None or task.stopped_at is not None:
            return
        status = task.status(self._plane.now())
        if status == STOPPING and task.id in self._processes:
            self._signal(task.id, signal.SIGTERM)
            timer = threading.Timer(self._stop_timeout / self._speed, self.kill, [task.id])
            self._timers.append(timer)
            timer.start()
        elif task.is_to_run() and task.id not in self._processes:
            life = threading.Thread(target=self._live, args=(task,), name=f"task {task.id}")
            self._lives.append(life)
            life.start()

    def kill(self, task_id: str) -> bool:
        """End a task's process without asking; say whether it has one."""
        return self._signal(task_id, signal.SIGKILL)

    def pid(self, task_id: str) -> int | None:
        process = self._processes.get(task_id)
        return None if process is None else process.pid

    def metadata(self, path: str) -> dict[str, Any] | None:
        """Give what a task's own metadata endpoint says, at /metadata/<id>/task."""
        task = self._plane.tasks.get(path.removeprefix("/metadata/").removesuffix("/task"))
        if task is None:
            return None
        networks = [{"NetworkMode": "awsvpc", "IPv4Addresses": ["127.0.0.1"]}]
        return {
            "Cluster": arn_of_cluster(task.cluster),
            "TaskARN": task.arn,
            "Family": task.family,
            "AvailabilityZone": task.zone,
            "LaunchType": "FARGATE",
            "Containers": [{"Name": "worker", "Networks": networks}],
        }

    def close(self) -> None:
        """End every process, and wait for it."""
        self._closed.set()
        with self._lock:
            for task_id in self._processes:
                self.kill(task_id)
            waited = [*self._timers, *self._lives]
        for timer in self._timers:
            timer.cancel()
        for thread in waited:
            thread.join(END_SECONDS)

    def _live(self, task: FakeTask) -> None:
        """Start a task's process when it is due, and note its end.

        One thread for both: the kernel ends such a process with the thread that started it.
        """
        self._closed.wait(max(0.0, task.runs_at - self._plane.now()) / self._speed)
        with self._lock:
            if self._closed.is_set() or self._program is None or not task.is_to_run():
                return
            argv = ["setpriv", "--pdeathsig", "KILL", "--", *self._program(task)]
            process = subprocess.Popen(
                argv, env=self._variables(task), stdin=subprocess.DEVNULL, start_new_session=True
            )
            self._processes[task.id] = process
            task.has_process, task.runs_at = True, min(task.runs_at, self._plane.now())
            self._plane.changed(task)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind goes with its container
            code = process.wait()
            self._plane.end(task.id, code if code >= 0 else 128 - code)

    def _variables(self, task: FakeTask) -> dict[str, str]:
        own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        metadata = {"ECS_CONTAINER_METADATA_URI_V4": f"{self.url}/metadata/{task.id}"}
        return {**own, **metadata, **self._environment(task)}

    def _signal(self, task_id: str, number: int) -> bool:
        process = self._processes.get(task_id)
        if process is None or process.returncode is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                os.kill(process.pid, number)  # ECS signals the container's first process alone
        return True
