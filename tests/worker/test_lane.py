from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.artifact import Artifact, Kind
from services.domain.errors import LeaseLost, StoreUnavailable
from services.worker.child_program import ChildFailed
from services.worker.delivery.backlog import OVERTAKEN, Backlog
from services.worker.delivery.lane import UNEXPECTED, Lane
from services.worker.delivery.parcel import FILE_BYTES, Parcel, Waiting
from services.worker.delivery.patience import Patience
from services.worker.delivery.spool_bound import SpoolBound
from services.worker.events import FileClosed
from tests.examples import NOW
from tests.worker.heard import until

pytestmark = pytest.mark.anyio


def a_waiting(number: int) -> Waiting:
    path = Path(f"/spool/{number}.jpg")
    return Waiting(FileClosed(kind=Kind.SNAPSHOT, path=path, start=number, end=number), 0, 0)


class Store:
    """Takes what a lane uploads: `meet` may wait or raise before a file is taken."""

    def __init__(self) -> None:
        self.uploaded: list[float] = []
        self.committed: list[float] = []
        self.lost: list[tuple[float, str, float | None]] = []
        self.under_way = Counter[str]()
        self.most_under_way = Counter[str]()
        self.holds: dict[float, asyncio.Event] = {}
        self.fails: dict[float, list[Exception]] = {}
        self.strange: dict[float, Exception] = {}

    def taken(self, waiting: Waiting) -> None:
        """Nothing is shown here."""

    async def prepare(self, waiting: Waiting) -> list[Parcel]:
        with _Under(self, "prepare"):
            await asyncio.sleep(0)
            if waiting.file.start in self.strange:
                raise self.strange[waiting.file.start]
        number = int(waiting.file.start)
        return [Parcel(file=waiting.file, part=0, anchor=0, bytes=0, number=number)]

    async def upload(self, parcel: Parcel) -> Artifact:
        start = parcel.file.start
        with _Under(self, "upload"):
            await asyncio.sleep(0)
            if errors := self.fails.get(start):
                raise errors.pop()
            if start in self.holds:
                await self.holds[start].wait()
        self.uploaded.append(start)
        return Artifact(
            kind=Kind.SNAPSHOT,
            key=str(start),
            captured_at=NOW + timedelta(seconds=start),
            bytes=0,
            sha256="",
            part=0,
        )

    def commit(self, parcel: Parcel, entry: Artifact) -> None:
        assert str(parcel.file.start) == entry.key
        self.committed.append(parcel.file.start)

    def lose(self, parcel: Parcel, cause: str, until: float | None = None) -> None:
        self.lost.append((parcel.file.start, cause, until))


class _Under:
    def __init__(self, store: Store, step: str) -> None:
        self.store, self.step = store, step

    def __enter__(self) -> None:
        self.store.under_way[self.step] += 1
        self.store.most_under_way[self.step] = max(
            self.store.most_under_way[self.step], self.store.under_way[self.step]
        )

    def __exit__(self, *_: object) -> None:
        self.store.under_way[self.step] -= 1


def a_lane(store: Store, *, uploads: int = 4, in_order: bool = True, live_size: int = 0) -> Lane:
    return Lane(
        name="snapshots",
        work=store,
        patience=Patience(name="store"),
        uploads=uploads,
        in_order=in_order,
        backlog=Backlog(live_size=lambda: live_size),
    )


async def shipped(lane: Lane, count: int) -> None:
    for number in range(count):
        lane.put(a_waiting(number))
    await ended(lane)


async def ended(lane: Lane) -> None:
    await lane.close()
    async with asyncio.timeout(10):
        await lane.run()


async def test_files_are_prepared_one_at_a_time_and_uploaded_several_at_once() -> None:
    store = Store()
    store.holds = {number: asyncio.Event() for number in range(4)}
    running = asyncio.create_task(shipped(a_lane(store), 50))
    await until(lambda: store.under_way["upload"] == 4)
    for held in store.holds.values():
        held.set()
    await running

    assert sorted(store.uploaded) == list(range(50))
    assert store.most_under_way == {"prepare": 1, "upload": 4}


async def test_what_arrives_early_is_noted_in_the_order_of_time() -> None:
    store = Store()
    lane = a_lane(store)
    store.holds[0] = asyncio.Event()
    running = asyncio.create_task(shipped(lane, 10))
    await until(lambda: len(store.uploaded) == 9)
    assert store.committed == []

    store.holds[0].set()
    await running
    assert store.committed == list(range(10))


async def test_one_that_never_arrives_is_overtaken_at_last() -> None:
    store = Store()
    lane = a_lane(store)
    store.holds[0] = asyncio.Event()
    running = asyncio.create_task(shipped(lane, OVERTAKEN + 20))
    await until(lambda: len(store.committed) > 10)
    store.holds[0].set()
    await running

    assert sorted(store.committed) == list(range(OVERTAKEN + 20))
    assert store.committed[0] == 1


async def test_segments_are_noted_as_they_arrive() -> None:
    store = Store()
    lane = a_lane(store, in_order=False)
    store.holds[0] = asyncio.Event()
    running = asyncio.create_task(shipped(lane, 10))
    await until(lambda: len(store.committed) == 9)
    store.holds[0].set()
    await running

    assert store.committed[-1] == 0


async def test_of_a_backlog_the_newest_go_first_and_then_the_oldest() -> None:
    store = Store()
    lane = a_lane(store, uploads=1, in_order=False, live_size=3)
    for number in range(10):
        lane.add(Parcel(file=a_waiting(number).file, part=0, anchor=0, bytes=0, number=number))
    await ended(lane)

    assert store.uploaded == [7, 8, 9, 0, 1, 2, 3, 4, 5, 6]


async def test_a_file_that_fails_rests_while_the_others_go_on() -> None:
    store = Store()
    store.fails[0] = [StoreUnavailable("the test says so") for _ in range(3)]
    await shipped(a_lane(store, in_order=False), 10)

    assert store.uploaded[-1] == 0
    assert sorted(store.committed) == list(range(10))


async def test_a_file_that_cannot_be_read_is_given_up_and_the_others_ship() -> None:
    store = Store()
    store.strange[3] = ChildFailed("poison")
    await shipped(a_lane(store), 6)

    assert store.lost == [(3, "undecodable", 4)]
    assert store.committed == [0, 1, 2, 4, 5]


async def test_a_file_that_is_gone_is_given_up_and_the_others_ship() -> None:
    store = Store()
    store.fails[3] = [FileNotFoundError()]
    await shipped(a_lane(store), 6)

    assert [(start, cause) for start, cause, _ in store.lost] == [(3, "store_dropped")]
    assert store.committed == [0, 1, 2, 4, 5]


async def test_what_nobody_foresaw_is_tried_again_and_not_for_ever() -> None:
    store = Store()
    store.fails[1] = [ZeroDivisionError() for _ in range(UNEXPECTED)]
    store.fails[2] = [ZeroDivisionError()]
    await shipped(a_lane(store), 4)

    assert [start for start, _, _ in store.lost] == [1]
    assert store.committed == [0, 2, 3]


async def test_a_lost_lease_ends_the_lane() -> None:
    store = Store()
    store.fails[1] = [LeaseLost()]

    with pytest.raises(LeaseLost):
        await shipped(a_lane(store), 4)


async def test_a_closed_lane_ends_when_it_is_empty() -> None:
    store = Store()
    lane = a_lane(store)
    running = asyncio.create_task(lane.run())
    lane.put(a_waiting(1))
    await lane.close()
    async with asyncio.timeout(5):
        await running

    assert store.committed == [1]


async def test_over_the_bound_the_oldest_are_dropped_by_class() -> None:
    stores = [Store() for _ in range(3)]
    lanes = [a_lane(store) for store in stores]
    bound = SpoolBound(limit=10 * FILE_BYTES, lanes=lanes)
    for number in range(4):
        for lane in lanes:
            lane.put(a_waiting(number))
        bound.keep()

    assert [[start for start, _, _ in store.lost] for store in stores] == [[0, 1, 2], [], []]
    for number in range(4, 10):
        lanes[2].put(a_waiting(number))
        bound.keep()

    assert [[start for start, _, _ in store.lost] for store in stores] == [[0, 1, 2, 3], [0, 1, 2, 3], [0]]


async def test_a_dropped_picture_is_missing_until_the_next_one() -> None:
    store = Store()
    lane = a_lane(store)
    for number in (1, 3, 7):
        lane.put(a_waiting(number))
    while lane.drop_oldest():
        pass

    assert store.lost == [(1, "store_dropped", 3), (3, "store_dropped", 7), (7, "store_dropped", None)]


async def test_what_is_under_way_is_not_dropped_and_the_rest_is_noted_after_a_drop() -> None:
    store = Store()
    lane = a_lane(store, uploads=2)
    store.holds[1] = asyncio.Event()
    store.fails[0] = [StoreUnavailable("the test says so") for _ in range(8)]
    for number in range(2):
        lane.put(a_waiting(number))
    running = asyncio.create_task(ended(lane))
    await until(lambda: len(store.fails[0]) < 7)
    await until(lane.drop_oldest)
    assert not lane.drop_oldest()

    store.holds[1].set()
    await running
    assert store.committed == [1]


async def test_a_lost_lease_ends_the_preparation_of_files() -> None:
    store = Store()
    store.strange[1] = LeaseLost()

    with pytest.raises(LeaseLost):
        await shipped(a_lane(store), 4)
    assert store.lost == []


async def test_a_file_that_breaks_our_own_code_is_given_up_and_the_others_ship() -> None:
    store = Store()
    store.strange[1] = KeyError("sample_rate")
    await shipped(a_lane(store), 4)

    assert [(start, cause) for start, cause, _ in store.lost] == [(1, "undecodable")]
    assert store.committed == [0, 2, 3]
