"""A fake ECS over HTTP: the calls of its API on a port of 127.0.0.1, and tasks that may be real processes.

`tests/doubles/ecs_plane.py` says what a call does, and with which limits; here is what gives it a port, a clock that
may run faster, and containers.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.doubles.ecs_answers import Answer
from tests.doubles.ecs_containers import Containers, Program
from tests.doubles.ecs_plane import Plane
from tests.doubles.ecs_task import FakeTask
from tests.emulators import CREDENTIALS
from tests.serving import serving

SWALLOWED_SECONDS = 20.0
TARGET = "AmazonEC2ContainerServiceV20141113."


class FakeEcs:
    """Serves while the block runs, and ends every container after it.

    Its seconds pass `speed` times as fast as the clock's: starts, stop timeouts, limits, the life of tokens. With a
    `program` each task is a process, `environment(task)` being its task definition's; without one it is only listed.
    """

    def __init__(
        self,
        *,
        start_seconds: float = 30.0,
        speed: float = 1.0,
        stop_timeout: float = 120.0,
        program: Program | None = None,
        environment: Callable[[FakeTask], Mapping[str, str]] = lambda _task: {},
        **plane: Any,  # noqa: ANN401 - of the plane's fields
    ) -> None:
        began = time.time()
        self.environment = environment
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._hanging: dict[str, float] = {}
        self._lost: dict[str, int] = {}
        self._swallowed: set[tuple[str, str]] = set()
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self.plane = Plane(
            now=lambda: began + (time.time() - began) * speed,
            start_seconds=start_seconds,
            changed=self._changed,
            **plane,
        )
        self._containers = Containers(
            self.plane,
            self._lock,
            program,
            self._environment_of,
            speed=speed,
            stop_timeout=stop_timeout,
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._serving = serving(self._server)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._containers.url = self.url

    @property
    def variables(self) -> dict[str, str]:
        """What a client of it needs in its environment."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_ECS": self.url}

    @property
    def settings(self) -> dict[str, str]:
        """The ECS settings of a service that launches into it, without the prefix."""
        subnets = ",".join(f"{zone}={subnet}" for subnet, zone in self.plane.subnets.items())
        return {
            "LAUNCHER": "ecs",
            "CLUSTER": "streamkeep",
            "WORKER_TASK": "worker",
            "SUBNETS": subnets,
            "SECURITY_GROUPS": "sg-worker",
            "PUBLIC_IP": "true",
            "CAPACITY": "FARGATE:1",
            "TAGS_STACK": "test",
        }

    def forget(self) -> None:
        """Be as at the beginning: for a double without a program that many tests share."""
        with self._lock:
            self.plane.forget()
            self._lost.clear()
            self._hanging.clear()
            self._swallowed.clear()
            self._listeners.clear()

    def tasks(self) -> list[FakeTask]:
        """Give the tasks that are to run, oldest first."""
        with self._lock:
            return self.plane.living()

    def all_tasks(self) -> list[FakeTask]:
        with self._lock:
            return list(self.plane.tasks.values())

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Give what was asked of an operation, oldest first."""
        with self._lock:
            return [body for name, body in self.plane.calls if name == operation]

    def plan(self, operation: str, *answers: Answer | dict[str, Any]) -> None:
        """Let the next calls of an operation answer so, and do nothing."""
        with self._lock:
            self.plane.plan(operation, *answers)

    def lose_answers(self, operation: str, times: int = 1) -> None:
        """Let the next calls do what they are asked, and break the connection instead of an answer."""
        self._lost[operation] = times

    def swallow(self, operation: str, word: str) -> None:
        """Let the calls of an operation that name `word` do nothing, and end without an answer once nobody waits."""
        self._swallowed.add((operation, word))

    def swallow_no_more(self, operation: str, word: str) -> None:
        self._swallowed.discard((operation, word))

    def hang(self, operation: str, seconds: float) -> None:
        """Let the next call of an operation wait so long (of the clock's seconds) before it does anything."""
        self._hanging[operation] = seconds

    def kill(self, task_id: str) -> None:
        """Let a task die without warning, as its host does."""
        with self._lock:
            if not self._containers.kill(task_id):
                self.plane.end(task_id, 137)

    def ask(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a client would be given; raise Answer."""
        with self._lock:
            return self.plane.call(operation, body)

    def interrupt(self, task_id: str) -> None:
        """Ask a task to stop, as ECS does when its capacity is wanted back: two minutes' notice, and then the end."""
        with self._lock:
            task = self.plane.tasks[task_id]
            reason = "Your Spot Task was interrupted."
            self.ask("StopTask", {"cluster": task.cluster, "task": task.arn, "reason": reason})

    def pid(self, task_id: str) -> int | None:
        """Give the process of a task, None while it has none."""
        return self._containers.pid(task_id)

    def on_event(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Tell every "ECS Task State Change" as EventBridge spells it; called in threads, under the double's lock."""
        self._listeners.append(listener)

    def _environment_of(self, task: FakeTask) -> Mapping[str, str]:
        return self.environment(task)

    def _changed(self, task: FakeTask) -> None:
        self._containers.look_at(task)
        for listener in self._listeners:
            listener(task.event(self.plane.now()))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                operation = self.headers.get("X-Amz-Target", "").removeprefix(TARGET)
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                double._wait(operation)
                if double._is_swallowed(operation, body):
                    double._stopped.wait(SWALLOWED_SECONDS)
                    self.close_connection = True
                    return
                status, answer = double._answer(operation, body)
                if double._is_lost(operation):
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(status, answer)

            def do_GET(self) -> None:
                task = double._containers.metadata(self.path)
                self._send(404 if task is None else 200, task or {})

            def _send(self, status: int, answer: dict[str, Any]) -> None:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None: ...

        return Handler

    def _wait(self, operation: str) -> None:
        self._stopped.wait(self._hanging.pop(operation, 0.0))

    def _is_swallowed(self, operation: str, body: dict[str, Any]) -> bool:
        said = json.dumps(body)
        return any(operation == each and word in said for each, word in set(self._swallowed))

    def _is_lost(self, operation: str) -> bool:
        left = self._lost.get(operation, 0)
        self._lost[operation] = max(0, left - 1)
        return left > 0

    def _answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            try:
                return 200, self.plane.call(operation, body)
            except Answer as answer:
                return answer.status, answer.body

    def __enter__(self) -> Self:
        self._serving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._containers.close()
        self._serving.__exit__(kind, error, trace)
