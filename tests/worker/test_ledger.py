from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.worker.events import ClockSet, FileClosed
from services.worker.ledger import Ledger
from tests.worker.spool import a_segment

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
