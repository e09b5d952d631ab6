"""What a run lacked is known to the next one, and to the session's next worker."""

from __future__ import annotations

from pathlib import Path

from services.worker.capture.needs import LATE_STREAMS, Needs
from services.worker.events import RunOutgrown


def test_a_session_that_needs_no_keyframes_to_cut_at_is_known_to_its_next_worker(tmp_path: Path) -> None:
    run = tmp_path / "e0001-r000001"

    assert Needs.of(tmp_path).take(RunOutgrown(why="no_keyframes", anywhere=True), run)

    assert Needs.of(tmp_path).anywhere


def test_what_is_needed_stays_needed(tmp_path: Path) -> None:
    needs = Needs()
    needs.take(RunOutgrown(why="no_keyframes", anywhere=True), tmp_path / "run")
    needs.take(RunOutgrown(why="video_changed", until=3.0), tmp_path / "run")

    assert needs.anywhere


def test_streams_that_come_again_and_again_cost_only_some_runs(tmp_path: Path) -> None:
    needs, late = Needs(), RunOutgrown(why="video_came", late="video")

    replaced = [needs.take(late, tmp_path / "run") for _ in range(LATE_STREAMS + 3)]

    assert replaced == [True] * LATE_STREAMS + [False] * 3
    assert needs.take(RunOutgrown(why="audio_came", late="audio"), tmp_path / "run")
