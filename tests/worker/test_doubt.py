"""Files whose times cannot be true yet are held back until it is told whether timestamps have jumped."""

from __future__ import annotations

from pathlib import Path

from services.domain.artifact import Kind
from services.worker.capture.doubt import Doubt
from services.worker.capture.steady_clock import SteadyClock
from services.worker.events import FileClosed

CLOCK = SteadyClock.read()


def a_file(end: float, kind: Kind = Kind.SEGMENT) -> FileClosed:
    return FileClosed(kind=kind, path=Path("segment-000000001.ts"), start=end - 2, end=end)


def test_a_file_that_ends_by_now_is_not_held() -> None:
    assert not Doubt(CLOCK).hold(a_file(10), CLOCK.now() - 10)


def test_a_file_that_ends_in_the_future_is_held_until_media_comes_so_far() -> None:
    doubt, file = Doubt(CLOCK), a_file(3610)

    assert doubt.hold(file, CLOCK.now() - 10)
    assert doubt.released(10.0) == []
    assert doubt.released(3610.0) == [file]
    assert doubt.released() == []


def test_all_that_is_held_is_given_when_the_jump_is_told() -> None:
    doubt, files = Doubt(CLOCK), [a_file(3610), a_file(3612)]
    for file in files:
        doubt.hold(file, CLOCK.now() - 10)

    assert doubt.released() == files


def test_a_picture_is_never_held() -> None:
    assert not Doubt(CLOCK).hold(a_file(3610, Kind.SNAPSHOT), CLOCK.now() - 10)
