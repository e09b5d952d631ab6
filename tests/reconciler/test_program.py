"""The reconciler as a program, with a fake ECS over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from services.adapters.sqs_task_news import SqsTaskNews
from services.domain.pool import IdleWorker
from services.domain.task_news import Heard
from tests.doubles.ecs import FakeEcs
from tests.emulators import CREDENTIALS, Emulators
from tests.reconciler.reconciling import ROOT, Program, Scene
from tests.waiting import eventually


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.close()


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    with FakeEcs(start_seconds=1.0) as ecs:
        yield ecs


def commands(ecs: FakeEcs) -> list[list[str]]:
    return [task.command for task in ecs.tasks()]


def test_a_missing_worker_is_started_once_in_its_publishers_zone_and_again_when_its_task_died(
    scene: Scene, ecs: FakeEcs
) -> None:
    scene.publish("camera")

    running = scene.start(ecs.variables, ecs.settings)
    first = eventually(ecs.tasks, what="a worker is started")[0]
    assert first.command == ["--channel", "camera", "--session", "session-camera"]
    assert first.zone == "eu-central-1b"
    before = running.figure("streamkeep_reconciler_sweep_seconds_count")
    eventually(
        lambda: running.figure("streamkeep_reconciler_sweep_seconds_count") > before + 2 or None, what="it sweeps on"
    )
    assert len(ecs.tasks()) == 1

    scene.state.leases.claim("session-camera", f"{first.id}:k:1:1", ttl=timedelta(hours=1), now=datetime.now(UTC))
    ecs.kill(first.id)

    second = eventually(ecs.tasks, what="another worker is started, though the lease has an hour left")[0]
    assert second.command == first.command
    assert running.said("lease_freed") is not None
    assert running.stop() == 0


def test_an_orphan_is_stopped_and_the_worker_of_an_open_session_is_not(scene: Scene, ecs: FakeEcs) -> None:
    now = datetime.now(UTC)
    over, open_ = scene.publish("over"), scene.publish("open")
    running = scene.start(ecs.variables, ecs.settings)
    eventually(lambda: len(ecs.tasks()) == 2 or None, what="both have a worker")
    tasks = {task.started_by: task for task in ecs.tasks()}
    for session in (over, open_):
        holder = f"{tasks[session.id].id}:k:1:1"
        scene.state.leases.claim(session.id, holder, ttl=timedelta(hours=1), now=now)

    scene.state.sessions.save(session=over.ended(now - timedelta(minutes=1)))

    eventually(lambda: [each.started_by for each in ecs.tasks()] == [open_.id] or None, within=20, what="one is left")
    assert running.says("orphan_stopped")["subject"] == tasks[over.id].id


def test_the_one_that_stands_by_goes_on_when_the_other_is_killed(scene: Scene, ecs: FakeEcs) -> None:
    first = scene.start(ecs.variables, ecs.settings)
    first.says("reconciler_leads")
    second = scene.start(ecs.variables, ecs.settings)
    second.says("reconciler_stands_by")
    scene.publish("camera")
    eventually(ecs.tasks, what="the first one starts a worker")

    first.kill()
    scene.publish("other")

    eventually(lambda: len(ecs.tasks()) == 2 or None, what="the second one starts the other's worker")
    assert second.figure("streamkeep_reconciler_leads") == 1
    assert len(ecs.calls("RunTask")) == 2


def test_the_pool_is_filled_in_every_zone(scene: Scene, ecs: FakeEcs) -> None:
    scene.start(ecs.variables, {**ecs.settings, "POOL_SIZE": "1"})

    eventually(lambda: len(ecs.tasks()) == 3 or None, what="a worker stands by in each zone")

    assert commands(ecs) == 3 * [["--pool"]]
    assert sorted(task.zone for task in ecs.tasks()) == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]


def test_a_pool_whose_workers_come_and_go_fast_is_filled_again_and_again(scene: Scene, ecs: FakeEcs) -> None:
    running = scene.start(ecs.variables, {**ecs.settings, "POOL_SIZE": "1", "SUBNETS": "eu-central-1a=subnet-a"})

    for number in range(6):
        (task,) = eventually(ecs.tasks, what=f"a worker stands by after {number} others")
        offered_and_seen(scene, running, task.id)
        ecs.kill(task.id)

    assert len(ecs.all_tasks()) >= 6


def offered_and_seen(scene: Scene, running: Program, task_id: str) -> None:
    """Let an idle worker offer itself, and a whole sweep begin and end after that."""
    row = IdleWorker(id=task_id, control_url="http://127.0.0.1:9", seen_at=datetime.now(UTC), zone="eu-central-1a")
    scene.state.pool.offer(row)
    swept = running.figure("streamkeep_reconciler_sweep_seconds_count")
    eventually(
        lambda: running.figure("streamkeep_reconciler_sweep_seconds_count") > swept + 1 or None, what="two sweeps"
    )


@pytest.fixture
def queue(emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", emulators.url("ministack"))
    client = boto3.client("sqs", region_name=CREDENTIALS["AWS_REGION"])
    return str(client.create_queue(QueueName=f"task-events-{uuid.uuid4().hex}")["QueueUrl"])


def send(queue: str, *bodies: str) -> None:
    client = boto3.client("sqs", region_name=CREDENTIALS["AWS_REGION"])
    for body in bodies:
        client.send_message(QueueUrl=queue, MessageBody=body)


CHANGE = json.dumps({"detail-type": "ECS Task State Change", "detail": {"taskArn": "arn:aws:ecs:r:1:task/c/t"}})


def test_an_event_of_a_task_makes_the_next_sweep_prompt(scene: Scene, ecs: FakeEcs, queue: str) -> None:
    slow = {**ecs.settings, "SWEEP_SECONDS": "30", "TASK_EVENTS_QUEUE": queue}
    running = scene.start({**ecs.variables, "AWS_ENDPOINT_URL_SQS": os.environ["AWS_ENDPOINT_URL_SQS"]}, slow)
    swept = "streamkeep_reconciler_sweep_seconds_count"
    running.says("reconciler_leads")
    eventually(lambda: running.figure(swept) or None, what="the first sweep")
    scene.publish("camera")

    send(queue, "no JSON", CHANGE)

    eventually(ecs.tasks, within=10, what="the worker is started long before the next sweep is due")
    malformed = 'streamkeep_task_events_total{kind="malformed"}'
    eventually(lambda: running.figure(malformed) == 1 or None, what="the other message is counted")


def test_messages_are_taken_from_the_queue_the_unreadable_ones_too(emulators: Emulators, queue: str) -> None:
    assert emulators.url("ministack")
    send(queue, "no JSON", '{"detail-type": "Other"}', "[]", CHANGE)
    news = SqsTaskNews(queue, wait_seconds=1)

    heard = [news.wait() for _ in range(2)]

    assert Heard(changed=sum(each.changed for each in heard), malformed=sum(each.malformed for each in heard)) == Heard(
        changed=1, malformed=3
    )
    assert news.wait() == Heard()
    news.close()


@pytest.mark.parametrize(
    ("name", "value"), [("POOL_SIZE", "1"), ("TASK_EVENTS_QUEUE", "http://127.0.0.1/queue"), ("CLUSTER", "streamkeep")]
)
def test_what_means_nothing_on_one_machine_is_refused_there(tmp_path: Path, name: str, value: str) -> None:
    own = {"STREAMKEEP_STATE_PATH": str(tmp_path / "s"), "STREAMKEEP_OBJECTS_PATH": str(tmp_path / "o")}
    inherited = {key: kept for key, kept in os.environ.items() if not key.startswith("STREAMKEEP_")}

    refused = subprocess.run(
        [sys.executable, "-m", "services.reconciler"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**inherited, **own, f"STREAMKEEP_{name}": value},
    )

    assert refused.returncode == 2
    assert f"STREAMKEEP_{name}: " in refused.stderr
    assert "STREAMKEEP_LAUNCHER is ecs" in refused.stderr
