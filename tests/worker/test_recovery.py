"""What the next worker of a session finds in its spool."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.domain.capture import MediaPlan
from services.domain.manifest import Gap
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.delivery.parcel import Waiting
from services.worker.events import ClockSet, FileClosed
from services.worker.succession.inheritance import merge
from services.worker.succession.ledger import Ledger
from services.worker.succession.recovery import recover
from tests.examples import NOW
from tests.media import Clip, Media
from tests.worker.captures import captured
from tests.worker.spool import a_head, a_segment

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "session"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with Ledger(folder / "ledger.jsonl") as ledger:
        yield ledger


def a_run(ledger: Ledger, folder: Path, number: int, anchor: float) -> Path:
    run = folder / f"e0001-r{number:06d}"
    run.mkdir()
    ledger.part(number, ClockSet(anchor=anchor, first=0.08), run)
    return run


def a_picture(run: Path, at: float) -> FileClosed:
    path = run / f"picture-{at}.jpg"
    path.write_bytes(b"jpeg")
    return FileClosed(kind=Kind.SNAPSHOT, path=path, start=at, end=at, width=320, height=180)


async def test_a_new_session_has_nothing_left_over(ledger: Ledger, folder: Path) -> None:
    left = await recover(ledger, folder)

    assert (left.shipped, left.waiting, left.parts) == ([], [], {})


async def test_a_closed_file_comes_back_with_its_parts_clock(ledger: Ledger, folder: Path) -> None:
    first, second = a_run(ledger, folder, 0, 1000.5), a_run(ledger, folder, 1, 2000.5)
    files = [a_picture(first, 2.08), a_picture(second, 4.08)]
    ledger.closed(0, files[0])
    ledger.closed(1, files[1])

    left = await recover(ledger, folder)

    assert [(waiting.file, waiting.part, waiting.anchor) for waiting in left.waiting] == [
        (files[0], 0, 1000.5),
        (files[1], 1, 2000.5),
    ]


async def test_files_come_back_in_the_order_in_which_they_were_closed(ledger: Ledger, folder: Path) -> None:
    run = a_run(ledger, folder, 0, 1000)
    times = [2.08, 4.08, 6.08, 8.08, 10.08, 12.08]
    for at in times:
        ledger.closed(0, a_picture(run, at))

    assert [waiting.file.start for waiting in (await recover(ledger, folder)).waiting] == times


async def test_a_file_that_shipped_and_is_gone_waits_no_more(ledger: Ledger, folder: Path) -> None:
    run = a_run(ledger, folder, 0, 1000)
    gone, there = a_picture(run, 2.08), a_picture(run, 4.08)
    ledger.closed(0, gone)
    ledger.closed(0, there)
    ledger.shipped(a_segment(7))
    gone.path.unlink()

    left = await recover(ledger, folder)

    assert [waiting.file for waiting in left.waiting] == [there]
    assert [entry.media_sequence for entry in left.shipped] == [7]


def killed_capture(source: Path, run: Path) -> list[str]:
    """Capture in real time, kill ffmpeg when the first segment is closed and the second is being written."""
    run.mkdir(exist_ok=True)
    segments, recordings = os.pipe(), os.pipe()
    plan = MediaPlan(recording_seconds=60, segment_seconds=0.4)
    lists = {"segment": segments[1], "recording": recordings[1]}
    argv = ffmpeg_arguments.capture(str(source), plan, run, tap=Tap.KEYFRAMES, lists=lists)
    argv.insert(argv.index("-i"), "-re")
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, pass_fds=list(lists.values()))
    for descriptor in (*lists.values(), recordings[0]):
        os.close(descriptor)
    with os.fdopen(segments[0]) as lines, process:
        closed = [lines.readline().strip(), lines.readline().strip()]
        process.kill()
    return closed


async def test_what_a_kill_left_open_begins_where_the_last_whole_file_ends(
    media: Media, ledger: Ledger, folder: Path
) -> None:
    run = a_run(ledger, folder, 0, 1000)
    source = media.file(Clip(seconds=4, gop_seconds=0.4))
    for line in killed_capture(source, run):
        name, start, end = line.rsplit(",", 2)
        ledger.closed(0, FileClosed(kind=Kind.SEGMENT, path=run / name, start=max(0.08, float(start)), end=float(end)))

    left = await recover(ledger, folder)
    assert left.loose is not None
    found = [*(waiting.file for waiting in left.waiting), *left.loose.files]
    segments = [file for file in found if file.kind is Kind.SEGMENT]
    recordings = [file for file in found if file.kind is Kind.RECORDING]

    assert [segment.path.name for segment in segments][:3] == [f"segment-{n:09d}.ts" for n in range(3)][: len(segments)]
    assert [after.start for after in segments[1:]] == [before.end for before in segments[:-1]]
    assert [recording.start for recording in recordings] == [0.08]
    assert 0.5 < recordings[0].end < 2


async def test_what_a_kill_left_open_is_not_lost_by_a_second_kill_after_it_was_prepared(
    media: Media, ledger: Ledger, folder: Path
) -> None:
    run = a_run(ledger, folder, 0, 1000)
    killed_capture(media.file(Clip(seconds=4, gop_seconds=0.4)), run)
    loose = (await recover(ledger, folder)).loose
    assert loose is not None
    for file in loose.files:
        ledger.closed(0, file)
    found = [Waiting(file, 0, loose.anchor) for file in loose.files]
    recording = next(waiting for waiting in found if waiting.file.kind is Kind.RECORDING)
    whole = recording.file.path.rename(run / f"whole-{recording.file.path.name}")
    parcel = replace(recording.parcel(), file=replace(recording.file, path=whole))
    ledger.prepared(recording.file.path, [parcel])

    left = await recover(ledger, folder)

    assert [parcel.file.path for parcel in left.parcels] == [whole]
    assert [waiting.file for waiting in left.waiting] == [each.file for each in found if each is not recording]


async def test_a_gap_before_a_part_outlives_the_worker_that_declared_it(ledger: Ledger, folder: Path) -> None:
    gap = Gap(started_at=NOW, ended_at=NOW + timedelta(seconds=3), outputs=("hls",), cause="publisher_away")
    a_run(ledger, folder, 0, 1000)
    ledger.declared(gap)

    left = await recover(ledger, folder)

    assert merge(a_head(), left, known=()).gaps == (gap,)
    assert merge(a_head(gaps=(gap,)), left, known=()).gaps == (gap,), "and is declared once"


async def test_an_open_file_that_cannot_be_read_is_left_out(ledger: Ledger, folder: Path) -> None:
    run = a_run(ledger, folder, 0, 1000)
    (run / "recording-000000000.mp4").write_bytes(b"")
    (run / "segment-000000000.ts").write_bytes(b"garbage")

    left = await recover(ledger, folder)

    assert left.waiting == []
    assert left.loose is not None
    assert list(left.loose.files) == []


async def test_open_files_of_a_part_that_is_not_the_last_one_ship_as_they_are(
    media: Media, ledger: Ledger, folder: Path
) -> None:
    killed_capture(media.file(Clip(seconds=4, gop_seconds=0.4)), a_run(ledger, folder, 0, 1000))
    a_run(ledger, folder, 1, 1010)

    left = await recover(ledger, folder)

    assert {waiting.file.kind for waiting in left.waiting} == {Kind.RECORDING, Kind.SEGMENT}
    assert left.loose is not None
    assert left.loose.number == 1


async def test_the_pieces_of_an_earlier_attempt_are_no_files_of_their_own(
    media: Media, ledger: Ledger, folder: Path
) -> None:
    run = a_run(ledger, folder, 0, 1000)
    files = captured(media.file(Clip()), run, recording=60, segment=2)
    for file in files:
        ledger.closed(0, file)
    (run / "segment-000000000").mkdir()
    (run / "segment-000000000" / "piece-000.ts").write_bytes(files[0].path.read_bytes())
    (run / "whole-recording-000000000.mp4").write_bytes(b"half of a remux")

    assert [waiting.file for waiting in (await recover(ledger, folder)).waiting] == files
