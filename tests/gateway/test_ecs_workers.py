"""Real workers, each a task of the fake ECS: they capture, are replaced, and end with their session."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from services.adapters.ecs_opening import open_fleet
from services.domain.session import Close, SessionState
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_containers import worker_program
from tests.doubles.ecs_task import FakeTask
from tests.gateway.ecs_variables import variables
from tests.gateway.world import World
from tests.waiting import eventually

ZONE = "eu-central-1b"
LEASE_SECONDS = 6


def until_ordered(ecs: FakeEcs, count: int = 1, within: float = 10.0) -> list[FakeTask]:
    eventually(lambda: len(ecs.tasks()) >= count, within=within, what=f"{count} tasks")
    return ecs.tasks()


def worker_variables(world: World) -> Callable[[FakeTask], dict[str, str]]:
    """Give what stands in the workers' task definition; each task has a disk of its own."""

    def of(task: FakeTask) -> dict[str, str]:
        own = {
            "STATE_PATH": str(world.state_path),
            "OBJECTS_PATH": str(world.folder / "objects"),
            "SPOOL_PATH": str(world.folder / "spools" / task.id),
            "PULL_URL": world.nginx.rtmp_url,
            "CALLBACK_URL": f"http://127.0.0.1:{world.port}",
            "MIN_FREE_BYTES": "0",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "LOG_LEVEL": "warning",
        }
        return {f"STREAMKEEP_{name}": value for name, value in own.items()}

    return of


def recordings(world: World) -> list[Path]:
    return sorted((world.folder / "objects").glob("recordings/camera/**/*.mp4"))


def until_captured(world: World, session_id: str, parts: int, within: float = 20.0) -> None:
    """Wait until the session has so many parts, the last of which has segments."""

    def look() -> bool:
        heads = list((world.folder / "objects").glob(f"sessions/camera/{session_id}/head.json"))
        return bool(heads) and len(json.loads(heads[0].read_text())["parts"]) >= parts

    eventually(look, within=within, what=f"part {parts} of the session")


def test_real_tasks_capture_are_replaced_when_they_are_killed_and_end_with_their_session(
    new_world: Callable[..., World],
) -> None:
    with FakeEcs(start_seconds=8.0, program=worker_program) as ecs, variables(ecs.variables):
        world = new_world(ZONE=ZONE, LEASE_SECONDS=str(LEASE_SECONDS), **ecs.settings)
        ecs.environment = worker_variables(world)
        world.add_channel(video_time=60)
        world.start()
        publisher = world.publisher()
        session = world.until_on_air()
        (first,) = until_ordered(ecs)
        until_captured(world, session.id, parts=1)

        ecs.plane.start_seconds = 1.0
        ecs.kill(first.id)
        eventually(lambda: [each.id for each in ecs.tasks()] not in ([], [first.id]), within=15, what="another task")
        (second,) = ecs.tasks()
        until_captured(world, session.id, parts=2)
        publisher.leave()
        world.until_interrupted()
        world.state.sessions.save(session=world.session().asked_to_close(Close.COMPLETE))
        eventually(lambda: not ecs.tasks(), within=20, what="the task ends")

        assert world.state.sessions.get(session.id).state is SessionState.ENDED
        assert (first.exit_code, second.exit_code) == (137, 0)
        assert second.request["clientToken"] == f"{session.id}-2-2"
        assert recordings(world)
        world.close()


def test_a_real_task_that_waits_in_the_pool_captures_within_moments(new_world: Callable[..., World]) -> None:
    with FakeEcs(start_seconds=0.1, program=worker_program) as ecs, variables(ecs.variables):
        world = new_world(ZONE=ZONE, LEASE_SECONDS=str(LEASE_SECONDS), **ecs.settings)
        ecs.environment = worker_variables(world)
        open_fleet(**world.settings.fleet).tasks.launch_idle(ZONE, token="pool-1")
        world.add_channel(video_time=60)
        world.start()
        (idle,) = eventually(world.state.pool.all, within=20, what="a worker waits")
        ecs.plane.start_seconds = 3600.0
        publisher = world.publisher()
        session = world.until_on_air()
        until_captured(world, session.id, parts=1)

        (task,) = ecs.tasks()
        assert (idle.id, idle.zone, len(ecs.calls("RunTask"))) == (task.id, ZONE, 1)
        publisher.leave()
        world.until_interrupted()
        world.state.sessions.save(session=world.session().asked_to_close(Close.COMPLETE))
        eventually(lambda: not ecs.tasks(), within=20, what="the task ends")
        assert task.exit_code == 0
        world.close()
