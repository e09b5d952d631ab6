"""The services as tasks of AWS: two gateways, the API, the reconciler, and an ECS that runs workers.

Each task is a process that thinks itself alone on its machine (tests/aws/machine.py). State and objects are in files,
or in DynamoDB and S3 of `endpoint`, where task events go through SQS as well.
"""

from __future__ import annotations

import contextlib
import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from services.adapters.dynamodb_state import DynamodbState
from services.adapters.opening import State
from services.adapters.sqlite_state import SqliteState
from tests.aws.definitions import ZONES, Definitions
from tests.aws.gateway_task import GatewayTask
from tests.aws.machine import alone
from tests.aws.program import Program
from tests.aws.task_events import TaskEvents
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_containers import worker_program
from tests.doubles.ecs_task import FakeTask
from tests.e2e.bucket import Bucket
from tests.e2e.stack import TOKEN, Stack
from tests.fault.stepped import library
from tests.processes import children, is_alive
from tests.waiting import eventually

ORPHAN = "orphan"


@dataclass
class Cloud(Stack):
    """A stack whose parts are tasks; `gateways` are all that were ever started, "a" and "b" from the begin.

    `start_seconds` is how long a task takes from RunTask until its process begins; `starts` says it for channels.
    """

    endpoint: str | None = None
    start_seconds: float = 2.0
    pool_size: int = 0
    gateways: dict[str, GatewayTask] = field(default_factory=dict)
    starts: dict[str, float] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    _exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Start all of it, and wait until the API is ready and each gateway is known to state."""
        self.data.mkdir(parents=True)
        self.ecs = self._exits.enter_context(self._ecs())
        name = f"streamkeep-{self.offset}"
        self.definitions = Definitions(
            data=self.data,
            name=name,
            endpoint=self.endpoint,
            ecs=self.ecs.settings,
            ecs_variables=self.ecs.variables,
        )
        self._prepare(name)
        self.events = None if self.endpoint is None else TaskEvents(self.ecs, self.endpoint)
        if self.events is not None:
            self._exits.enter_context(self.events)
        for zone in ZONES:
            self.new_gateway(zone)
        self.api_task = self._program("metadata", self.definitions.api(8000 + self.offset, self.gateways["a"]))
        self.new_reconciler()
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{8000 + self.offset}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        self.state = self._exits.enter_context(contextlib.closing(self._opened(name)))
        eventually(self._is_ready, within=40, what=f"the cloud is ready; see {self.log}")

    def stop(self) -> int:
        """End all of it."""
        for gateway in self.gateways.values():
            gateway.kill()
        for program in self.programs:
            program.kill()
        if self.http is not None:
            self.http.close()
        self._exits.close()
        return 0

    def new_gateway(self, name: str) -> GatewayTask:
        """Start another gateway task, to which publishers may be led by its name."""
        self.gateways[name] = GatewayTask(name, self.data / f"gateway-{name}", self.log, self.definitions.gateway(name))
        return self.gateways[name]

    def new_reconciler(self) -> None:
        """Start another reconciler task."""
        queue = None if self.events is None else self.events.url
        variables = self.definitions.reconciler(pool_size=self.pool_size, queue=queue)
        self.reconciler = self._program("reconciler", variables)

    def keeper_later(self, by: str) -> None:
        """Start a reconciler for rows and retention alone, whose clock is ahead; `by` is spelled as for faketime."""
        # The command faketime would stay as its parent, and end without it.
        clock = ("env", f"LD_PRELOAD={library()}", f"FAKETIME={by}", "FAKETIME_DONT_FAKE_MONOTONIC=1")
        self._program("reconciler", self.definitions.keeper(), through=clock)

    def orphan(self) -> FakeTask:
        """Start a task like the last one, for a session that nobody knows, which goes on for ever."""
        body = copy.deepcopy(self.ecs.calls("RunTask")[-1])
        body["overrides"]["containerOverrides"][0]["command"] = ["--channel", ORPHAN, "--session", ORPHAN]
        before = {task.id for task in self.ecs.tasks()}
        self.ecs.ask("RunTask", body | {"clientToken": ORPHAN, "startedBy": ORPHAN})
        return next(task for task in self.ecs.tasks() if task.id not in before)

    def create(self, **fields: object) -> dict[str, Any]:
        """Make a channel; its publish address leads to the `gateway`, and `prepare` is called before anybody has it."""
        gateway, prepare = str(fields.pop("gateway", "a")), fields.pop("prepare", None)
        channel = super().create(**fields)
        if callable(prepare):
            prepare(str(channel["id"]))
        channel["publish"]["url"] = self.gateways[gateway].leads(str(channel["publish"]["url"]))
        return channel

    def family(self) -> list[psutil.Process]:
        """Give every process of the cloud."""
        roots = [each.pid for each in self.programs]
        roots += [each.app.pid for each in self.gateways.values()]
        roots += [pid for task in self.ecs.all_tasks() if (pid := self.ecs.pid(task.id)) is not None]
        return [each for pid in roots for each in [*_alive(pid), *children(pid, recursive=True)]]

    @property
    def seen(self) -> Path:
        return self.data

    def known(self) -> set[str]:
        """Give the names of the gateways that have written their rows."""
        return {row.name.partition("/")[0] for row in self.state.gateways.all()}

    def starts_in(self, seconds: float) -> Callable[[str], None]:
        """Give what lets the tasks of a channel take so long to start."""
        return lambda channel_id: self.starts.update({channel_id: seconds})

    def holder(self, session_id: str) -> str | None:
        """Give the task that holds a session, None if none does."""
        lease = self.state.leases.get(session_id)
        return None if lease is None else lease.holder.partition(":")[0]

    def tasks_of(self, channel_id: str) -> list[FakeTask]:
        """Give the tasks that are to run for a channel and were started for it, oldest first."""
        return [task for task in self.ecs.tasks() if channel_id in task.command]

    def _is_ready(self) -> bool:
        assert self.api_task.is_running, self.log.read_text(errors="replace")[-4000:]
        try:
            is_up = self.api.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False
        return is_up and self.known() >= self.gateways.keys()

    def _program(self, name: str, variables: Mapping[str, str], through: Sequence[str] = ()) -> Program:
        folder = self.data / f"{name}-{len(self.programs)}"
        self.programs.append(Program(name, folder, self.log, variables, through))
        return self.programs[-1]

    def _prepare(self, name: str) -> None:
        """Make table and bucket by the operator's own command."""
        argv = [sys.executable, "-m", "services.admin", "prepare"]
        shared = {key: value for key, value in self.definitions.shared.items() if not key.endswith("_EVENTS")}
        subprocess.run(argv, env={**os.environ, **shared}, check=True, capture_output=True)
        if self.endpoint is not None:
            self.bucket = Bucket(name, self.endpoint, self.data.parent / "bucket")

    def _opened(self, name: str) -> State:
        if self.endpoint is None:
            return SqliteState(self.data / "state.db")
        return DynamodbState(name, endpoint=self.endpoint)

    def _ecs(self) -> FakeEcs:
        def folder(task: FakeTask) -> Path:
            return self.data / "tasks" / task.id

        def program(task: FakeTask) -> list[str]:
            argv = ["sleep", "600"] if ORPHAN in task.command else worker_program(task)
            return alone(folder(task), self.log, argv)

        def environment(task: FakeTask) -> dict[str, str]:
            return self.definitions.worker(folder(task) / "disk", self.gateways["a"])

        def start_of(task: FakeTask) -> float:
            return next((each for word, each in self.starts.items() if word in task.command), self.start_seconds)

        return FakeEcs(start_of=start_of, program=program, environment=environment)


def _alive(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if is_alive(process):
            yield process
