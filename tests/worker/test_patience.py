from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog

from services.adapters import s3_bucket
from services.adapters.s3_store import S3Store
from services.domain.errors import ObjectExists, StoreUnavailable
from services.worker.delivery.patience import AWAY_FAILURES, HUNG_SECONDS, Patience
from tests.doubles.strict_s3 import StrictS3, refuse
from tests.emulators import Emulators
from tests.worker.heard import until

pytestmark = pytest.mark.anyio

KEY = "recordings/camera/1.mp4"


@pytest.fixture
def strict(emulators: Emulators) -> Iterator[StrictS3]:
    with StrictS3(emulators.url("ministack")) as strict:
        yield strict


@pytest.fixture
def store(strict: StrictS3) -> S3Store:
    s3_bucket.prepare("busy-bucket", endpoint=strict.url)
    return S3Store("busy-bucket", endpoint=strict.url)


async def test_a_store_that_asks_to_slow_down_is_asked_ever_less_often_until_it_takes_the_object(
    store: S3Store, strict: StrictS3, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"recording")
    digest = hashlib.sha256(b"recording").hexdigest()
    strict.meet("PUT", refuse(503, "SlowDown"), times=2, part=KEY)
    strict.meet("PUT", refuse(409, "ConditionalRequestConflict"), part=KEY)

    with structlog.testing.capture_logs() as logs:
        await Patience(name="store").blocking(partial(store.create, KEY, source, sha256=digest))

    assert store.read(KEY).body == b"recording"
    waits = [line["wait_for"] for line in logs]
    assert len(waits) == 3
    assert waits[2] > waits[0]
    assert all("StoreBusy" in line["error"] and "StoreUnavailable" not in line["error"] for line in logs)


class Outside:
    """Answers, refuses or hangs, as it is told; each call is counted."""

    def __init__(self) -> None:
        self.is_away = threading.Event()
        self.hangs = threading.Event()
        self.released = threading.Event()
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.hangs.is_set():
            self.released.wait(20)
        if self.is_away.is_set():
            raise StoreUnavailable("the test says so")
        return "answer"


@pytest.fixture
def outside() -> Iterator[Outside]:
    outside = Outside()
    yield outside
    outside.released.set()


async def failing(patience: Patience, outside: Outside, times: int) -> None:
    for _ in range(times):
        with pytest.raises(StoreUnavailable):
            await patience.thread(outside)


async def test_a_few_failures_in_a_row_are_an_outage_and_one_answer_ends_it(outside: Outside) -> None:
    patience = Patience(name="store")
    outside.is_away.set()
    await failing(patience, outside, AWAY_FAILURES - 1)
    assert not patience.is_away

    await failing(patience, outside, 1)
    assert patience.is_away

    outside.is_away.clear()
    await patience.thread(outside)
    assert not patience.is_away
    assert patience.returns == 1


async def test_that_something_exists_is_an_answer(outside: Outside) -> None:
    def exists() -> None:
        raise ObjectExists

    patience = Patience(name="store")
    outside.is_away.set()
    await failing(patience, outside, AWAY_FAILURES)
    with pytest.raises(ObjectExists):
        await patience.thread(exists)

    assert not patience.is_away


async def test_when_one_call_succeeds_all_that_wait_go_at_once(outside: Outside) -> None:
    patience = Patience(name="store")
    outside.is_away.set()
    waiting = [asyncio.create_task(patience.blocking(outside)) for _ in range(20)]
    await until(lambda: outside.calls >= 80)  # each waits for a second or two by now
    outside.is_away.clear()
    began = time.monotonic()
    await patience.thread(outside)
    async with asyncio.timeout(10):
        assert await asyncio.gather(*waiting) == ["answer"] * 20

    assert time.monotonic() - began < 1


async def test_a_call_that_hangs_is_given_up_when_the_store_is_back(outside: Outside) -> None:
    patience, other = Patience(name="store"), Outside()
    outside.hangs.set()
    hung = asyncio.create_task(patience.blocking(outside))
    await until(lambda: outside.calls == 1)
    other.is_away.set()
    await failing(patience, other, AWAY_FAILURES)
    await patience.pause(HUNG_SECONDS + 0.1)
    other.is_away.clear()
    outside.hangs.clear()
    await patience.thread(other)
    async with asyncio.timeout(3):
        assert await hung == "answer"

    assert outside.calls == 2


async def test_what_hangs_is_probed_so_that_its_return_is_noticed(outside: Outside) -> None:
    patience, call = Patience(name="store", probe=outside), Outside()
    call.is_away.set()
    await failing(patience, call, AWAY_FAILURES)
    outside.hangs.set()
    running = asyncio.create_task(patience.run())
    await until(lambda: outside.calls >= 2)
    outside.hangs.clear()
    await until(lambda: patience.returns == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert patience.is_away, "what answers a probe may still refuse the rest"


async def test_a_probe_that_was_always_answered_wakes_nobody(outside: Outside) -> None:
    patience, call = Patience(name="store", probe=outside), Outside()
    call.is_away.set()
    await failing(patience, call, AWAY_FAILURES)
    running = asyncio.create_task(patience.run())
    await until(lambda: outside.calls >= 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert patience.returns == 0
