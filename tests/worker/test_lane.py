from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.worker.events import FileClosed
from services.worker.lane import LANE_FILES, Lane, Waiting

pytestmark = pytest.mark.anyio


def a_waiting(number: int, folder: Path = Path("/spool")) -> Waiting:
    path = folder / f"{number}.jpg"
    return Waiting(FileClosed(kind=Kind.SNAPSHOT, path=path, start=number, end=number), 0, 0)


class Shipped:
    """Takes what a lane ships, one after the other."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.under_way = 0
        self.most_under_way = 0

    async def __call__(self, waiting: Waiting) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.starts.append(waiting.file.start)
        self.under_way -= 1


async def test_files_ship_in_order_and_one_at_a_time() -> None:
    shipped = Shipped()
    lane = Lane(name="snapshots", ship=shipped)
    for number in range(50):
        lane.put(a_waiting(number))
    await lane.close()
    await lane.run()

    assert shipped.starts == list(range(50))
    assert shipped.most_under_way == 1


async def test_a_closed_lane_ends_when_it_is_empty() -> None:
    shipped = Shipped()
    lane = Lane(name="snapshots", ship=shipped)
    running = asyncio.create_task(lane.run())
    lane.put(a_waiting(1))
    await lane.close()
    async with asyncio.timeout(5):
        await running

    assert shipped.starts == [1]


async def test_a_full_lane_takes_no_more_and_leaves_the_file_in_the_spool(tmp_path: Path) -> None:
    lane = Lane(name="snapshots", ship=Shipped())
    for number in range(LANE_FILES):
        lane.put(a_waiting(number, tmp_path))
    late = a_waiting(LANE_FILES, tmp_path)
    late.file.path.write_bytes(b"jpeg")
    lane.put(late)

    assert lane.waiting() == LANE_FILES
    assert late.file.path.exists()


async def test_a_full_lane_can_still_be_closed_and_emptied() -> None:
    shipped = Shipped()
    lane = Lane(name="snapshots", ship=shipped)
    for number in range(LANE_FILES + 1):
        lane.put(a_waiting(number))
    async with asyncio.timeout(10):
        await asyncio.gather(lane.close(), lane.run())

    assert shipped.starts == list(range(LANE_FILES))
