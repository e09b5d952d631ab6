from __future__ import annotations

import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from services.domain.artifact import Kind
from services.worker.delivery.parcel import Parcel
from services.worker.events import ClockSet, FileClosed
from services.worker.succession.ledger import Ledger
from services.worker.succession.recovery import recover
from tests.worker.spool import a_segment

pytestmark = pytest.mark.anyio

CLOCK = ClockSet(anchor=1_795_000_000.25, first=0.08)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "session" / "ledger.jsonl") as ledger:
        yield ledger


def a_file(folder: Path) -> FileClosed:
    return FileClosed(
        kind=Kind.SNAPSHOT, path=folder / "e0001-r000001" / "picture-1.jpg", start=2.08, end=2.08, width=320, height=180
    )


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert list(ledger.read()) == []


def test_a_part_comes_back_with_its_clock(ledger: Ledger, tmp_path: Path) -> None:
    ledger.part(3, CLOCK, tmp_path / "session" / "e0001-r000001")

    assert list(ledger.read()) == [
        {"part": 3, "anchor": CLOCK.anchor, "first": CLOCK.first, "folder": "e0001-r000001"},
    ]


def test_a_closed_file_comes_back(ledger: Ledger, tmp_path: Path) -> None:
    file = a_file(tmp_path / "session")
    ledger.closed(0, file)

    assert [ledger.file_of(record) for record in ledger.read()] == [file]


def test_a_shipped_entry_comes_back(ledger: Ledger) -> None:
    entry = a_segment(7, seconds=2.04)
    ledger.shipped(entry)

    assert [ledger.entry_of(record) for record in ledger.read()] == [entry]


def test_a_line_is_in_the_file_at_once(ledger: Ledger, tmp_path: Path) -> None:
    ledger.shipped(a_segment(7))

    assert (tmp_path / "session" / "ledger.jsonl").read_bytes().endswith(b"}\n")


def test_a_ledger_that_is_opened_again_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    ledger.shipped(a_segment(7))
    with Ledger(tmp_path / "session" / "ledger.jsonl") as again:
        again.shipped(a_segment(8))

    assert [ledger.entry_of(record).media_sequence for record in ledger.read()] == [7, 8]


def test_a_last_line_that_was_cut_short_is_left_out(ledger: Ledger, tmp_path: Path) -> None:
    ledger.shipped(a_segment(7))
    path = tmp_path / "session" / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:-20])

    assert [ledger.entry_of(record).media_sequence for record in ledger.read()] == [7]


def test_a_ledger_can_be_moved_with_its_folder(ledger: Ledger, tmp_path: Path) -> None:
    ledger.closed(0, a_file(tmp_path / "session"))
    (tmp_path / "session").rename(tmp_path / "moved")
    with Ledger(tmp_path / "moved" / "ledger.jsonl") as moved:
        assert [moved.file_of(record) for record in moved.read()] == [a_file(tmp_path / "moved")]


def test_after_a_line_that_was_cut_short_the_next_one_stands_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.shipped(a_segment(7))
    path.write_bytes(path.read_bytes() + path.read_bytes()[:-20])
    with Ledger(path) as ledger:
        ledger.shipped(a_segment(8))

        assert [ledger.entry_of(record).media_sequence for record in ledger.read()] == [7, 8]


def a_parcel(file: FileClosed, number: int | None = None) -> Parcel:
    return Parcel(file=file, part=0, anchor=CLOCK.anchor, bytes=10, number=number)


def a_closed(folder: Path, number: int, kind: Kind = Kind.SEGMENT) -> FileClosed:
    path = folder / "run" / f"{kind}-{number:06d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"media")
    return FileClosed(kind=kind, path=path, start=2.0 * number, end=2.0 * number + 2)


def shipped(ledger: Ledger, folder: Path, numbers: range) -> None:
    """Note segments that were closed, prepared, shipped and removed."""
    for number in numbers:
        file = a_closed(folder, number)
        ledger.closed(0, file)
        ledger.prepared(file.path, [a_parcel(file, number)], target=3)
        ledger.shipped(a_segment(number), file.path)
        file.path.unlink()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "session" / "ledger.jsonl", compact_bytes=20_000) as ledger:
        ledger.part(0, CLOCK, tmp_path / "session" / "run")
        yield ledger


def bytes_of(tmp_path: Path) -> int:
    return (tmp_path / "session" / "ledger.jsonl").stat().st_size


def test_a_long_ledger_forgets_what_the_stored_manifest_has(small: Ledger, tmp_path: Path) -> None:
    for begin in range(0, 1000, 50):
        shipped(small, tmp_path / "session", range(begin, begin + 50))
        small.stored(small.mark())

    assert bytes_of(tmp_path) < 60_000
    numbers = [record["shipped"]["media_sequence"] for record in small.read() if "shipped" in record]
    assert numbers[-1] == 999


async def test_what_is_not_in_the_stored_manifest_is_never_forgotten(small: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    shipped(small, folder, range(100))
    small.stored(small.mark())
    shipped(small, folder, range(100, 400))
    left = await recover(small, folder)

    assert [entry.media_sequence for entry in left.shipped if (entry.media_sequence or 0) >= 100] == [*range(100, 400)]


async def test_what_waits_and_what_goes_on_is_never_forgotten(small: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    waiting = a_closed(folder, 0, Kind.RECORDING)
    small.closed(0, waiting)
    prepared = a_closed(folder, 0)
    small.closed(0, prepared)
    small.prepared(prepared.path, [a_parcel(prepared, 0)], target=3)
    for begin in range(1, 1001, 50):
        shipped(small, folder, range(begin, begin + 50))
        small.stored(small.mark())
    before = bytes_of(tmp_path)
    left = await recover(small, folder)

    assert before < 60_000
    assert [item.file.path for item in left.waiting] == [waiting.path]
    assert [(item.number, item.file) for item in left.parcels] == [(0, prepared)]
    assert left.next_number(0, []) == 1001
    assert left.parts[0].ends[Kind.SEGMENT] == 2002
    assert left.target == 3


def test_a_mark_taken_before_a_compaction_forgets_no_more_than_it_says(small: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    shipped(small, folder, range(50))
    small.stored(small.mark())
    mark = small.mark()
    shipped(small, folder, range(50, 200))
    small.stored(mark)
    shipped(small, folder, range(200, 400))

    numbers = {record["shipped"]["media_sequence"] for record in small.read() if "shipped" in record}
    assert numbers >= {*range(50, 400)}


def test_a_ledger_whose_folder_is_removed_is_made_again(small: Ledger, tmp_path: Path) -> None:
    small.shipped(a_segment(1))
    shutil.rmtree(tmp_path / "session")
    small.shipped(a_segment(2))

    with Ledger(tmp_path / "session" / "ledger.jsonl") as again:
        assert [record["shipped"]["media_sequence"] for record in again.read() if "shipped" in record] == [1, 2]


def test_a_line_that_cannot_be_written_waits_for_the_next_one(small: Ledger, tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of(tmp_path) + 20, limit[1]))
    try:
        with structlog.testing.capture_logs() as logs:
            small.shipped(a_segment(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert [line["event"] for line in logs] == ["ledger_unwritable"]
    assert [record for record in small.read() if "shipped" in record] == []
    small.shipped(a_segment(2))

    assert [record["shipped"]["media_sequence"] for record in small.read() if "shipped" in record] == [1, 2]
