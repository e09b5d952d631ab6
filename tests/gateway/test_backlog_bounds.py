from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.backlog.bounds import Bounds
from services.gateway.backlog.folder import Contents, Folder, Recording
from services.gateway.backlog.names import Admission, RecordingName
from services.gateway.backlog.ranges import ByteRange, NotSatisfiable, asked_range

NOW = 1_795_216_000.0
MIB = 2**20
BOUNDS = Bounds(seconds=120, bytes=100 * MIB, reserve_bytes=10 * MIB)
AMPLE = 10**12


def recording(number: int, age: float, size: int, *, is_open: bool = False) -> Recording:
    name = RecordingName(channel_id="camera", second=int(NOW - age) - 6, boot=f"{number:x}")
    return Recording(name=name, path=Path(str(name)), bytes=size, written_at=NOW - age, is_open=is_open)


RECORDINGS = st.lists(st.tuples(st.floats(0, 300), st.integers(0, 40 * MIB), st.booleans()), max_size=30).map(
    lambda each: [recording(number, age, size, is_open=grows) for number, (age, size, grows) in enumerate(each)]
)


@given(RECORDINGS, st.integers(0, 300 * MIB))
def test_what_is_kept_is_in_the_bounds_and_as_much_as_fits(recordings: list[Recording], free: int) -> None:
    recordings.sort(key=lambda each: each.written_at)
    contents = Contents(recordings, [])
    verdict = BOUNDS.judge(contents, free_bytes=free, now=NOW, is_sound=lambda _: False)
    kept = [each for each in recordings if each not in verdict.deleted]
    closed = [each for each in kept if not each.is_open]
    room = BOUNDS.room(contents, free)

    assert not any(each.is_open for each in verdict.deleted)
    assert all(each.written_at >= NOW - BOUNDS.seconds for each in closed)
    assert not closed or sum(each.bytes for each in kept) <= room
    spared = [each for each in verdict.deleted if each.written_at >= NOW - BOUNDS.seconds]
    assert not spared or sum(each.bytes for each in (*kept, spared[-1])) > room
    assert all(each.written_at <= other.written_at for each in spared for other in closed)


def test_a_full_disk_leaves_less_room_before_it_leaves_none() -> None:
    contents = Contents([recording(1, 10, 30 * MIB)], [])

    assert BOUNDS.room(contents, AMPLE) == 100 * MIB
    assert BOUNDS.room(contents, 40 * MIB) == 50 * MIB
    assert BOUNDS.room(contents, 10 * MIB) == 20 * MIB


def test_long_sound_is_cut_and_long_video_only_where_it_takes_half_of_all() -> None:
    sound = recording(1, 0, 17 * MIB, is_open=True)
    old = Recording(
        name=RecordingName(channel_id="radio", second=int(NOW) - 900, boot="ab"),
        path=sound.path,
        bytes=17 * MIB,
        written_at=NOW,
        is_open=True,
    )
    huge = recording(2, 0, 51 * MIB, is_open=True)
    contents = Contents([sound, old, huge], [])

    assert BOUNDS.judge(contents, free_bytes=AMPLE, now=NOW, is_sound=lambda _: True).cut == [old, huge]
    assert BOUNDS.judge(contents, free_bytes=AMPLE, now=NOW, is_sound=lambda _: False).cut == [huge]


def test_a_recording_is_not_cut_in_the_second_in_which_it_began_and_whose_name_its_successor_would_take() -> None:
    name = RecordingName(channel_id="camera", second=int(NOW), boot="ab")
    huge = Recording(name=name, path=Path(str(name)), bytes=51 * MIB, written_at=NOW, is_open=True)

    def cut(now: float) -> object:
        return BOUNDS.judge(Contents([huge], []), free_bytes=AMPLE, now=now, is_sound=lambda _: False).cut

    assert cut(NOW + 0.9) == []
    assert cut(NOW + 1) == [huge]


def test_an_admission_stays_as_long_as_a_recording_of_it_and_as_long_as_one_may_come() -> None:
    def admission(seconds_ago: float, client_id: str) -> Admission:
        return Admission(ns=int((NOW - seconds_ago) * 1e9), channel_id="camera", boot="1", client_id=client_id)

    before, owner, next_one = admission(500, "1"), admission(400, "2"), admission(5, "3")
    contents = Contents([replace(recording(1, 50, MIB), owner=owner)], [before, owner, next_one])

    assert BOUNDS.judge(contents, free_bytes=AMPLE, now=NOW, is_sound=lambda _: False).outlived == [before]


def test_what_a_reconnect_in_the_same_second_would_overwrite_is_set_aside_with_whose_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.open()
    second = 1_795_216_000
    for number, client_id in enumerate(("7", "8", "9")):
        moment = second * 10**9 + 1000 * number
        folder.admitted(Admission(ns=moment, channel_id="camera", boot="ab", client_id=client_id))
        (folder.recording / f"camera-{second}.ab.flv").write_text(client_id)

    assert owned(folder) == [("7", "7"), ("8", "8"), ("9", "9")]
    assert owned(Folder(tmp_path)) == owned(folder), "by their names, after a restart"


def owned(folder: Folder) -> list[tuple[str, str | None]]:
    """Give each recording's text and its owner's client id, in their order."""
    return [
        (each.path.read_text(), None if each.owner is None else each.owner.client_id)
        for each in folder.contents(of="camera").recordings
    ]


@pytest.mark.parametrize("step", [-300, 300])
def test_recordings_are_in_order_and_of_whom_they_are_of_although_the_wall_clock_was_set(
    tmp_path: Path, step: int
) -> None:
    folder, written = Folder(tmp_path), 0
    folder.open()

    def admit(second: int, client_id: str) -> None:
        folder.admitted(Admission(ns=second * 10**9 + 5, channel_id="camera", boot="ab", client_id=client_id))

    def write(second: int) -> None:
        nonlocal written
        written += 1
        (folder.recording / f"camera-{second}.ab.flv").write_text(f"{written}")
        folder.contents()

    admit(1000, "1")
    write(1000)
    write(1005 + step)
    admit(1010 + step, "2")
    write(1010 + step)
    write(1015)
    admit(1020, "3")
    write(1020)

    assert owned(folder) == [("1", "1"), ("2", "1"), ("3", "2"), ("4", "2"), ("5", "3")]


def test_what_nobody_had_seen_when_the_next_was_let_in_is_of_who_was_before(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.open()
    folder.admitted(Admission(ns=1000 * 10**9, channel_id="camera", boot="ab", client_id="1"))
    (folder.recording / "camera-1005.ab.flv").write_text("1")
    folder.admitted(Admission(ns=700 * 10**9, channel_id="camera", boot="ab", client_id="2"))
    (folder.recording / "camera-1006.ab.flv").write_text("2")

    assert owned(folder) == [("1", "1"), ("2", "2")]


def test_what_is_gone_is_forgotten_and_may_come_again_by_the_same_name(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.open()
    folder.admitted(Admission(ns=1000 * 10**9, channel_id="camera", boot="ab", client_id="1"))
    for text in ("1", "2"):
        (folder.recording / "camera-1000.ab.flv").write_text(text)
        assert owned(folder) == [(text, text)]
        (folder.recording / "camera-1000.ab.flv").unlink()
        folder.contents()
        folder.admitted(Admission(ns=999 * 10**9, channel_id="camera", boot="ab", client_id="2"))


def test_only_names_of_the_backlog_are_read_as_such() -> None:
    assert RecordingName.parse("cam-1795216259-1795216300.ab.flv") == RecordingName(
        channel_id="cam-1795216259", second=1_795_216_300, boot="ab"
    )
    for name in (
        "../x-1.ab.flv",
        "camera-1.flv",
        "camera-1.ab.flv\n",
        "camera-1.ab.mp4",
        "-1.ab.flv",
        "camera-1.ab.x.flv",
    ):
        assert RecordingName.parse(name) is None


@pytest.mark.parametrize(
    ("header", "begin", "end"),
    [
        (None, 0, 100),
        ("bytes=0-", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=90-500", 90, 100),
        ("bytes=-5", 95, 100),
        ("bytes=-500", 0, 100),
        ("Bytes=10-", 10, 100),
        ("bytes=5-1", 0, 100),
        ("bytes=0-1,5-6", 0, 100),
        ("bytes=-", 0, 100),
        ("lines=1-2", 0, 100),
        ("bytes=x-2", 0, 100),
    ],
)
def test_a_range_is_read_as_rfc_9110_spells_it(header: str | None, begin: int, end: int) -> None:
    assert asked_range(header, 100) == ByteRange(begin, end, 100)


@pytest.mark.parametrize(
    ("header", "whole"), [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_behind_the_end_cannot_be_had(header: str, whole: int) -> None:
    with pytest.raises(NotSatisfiable):
        asked_range(header, whole)
