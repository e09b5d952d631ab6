"""What of the backlog is captured, and how it joins what is before and after it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.domain.manifest import Mark
from services.worker.catching_up.passages import Live, NotThere, Passages, Planning
from services.worker.catching_up.stretch import Key, Stretch
from services.worker.events import ClockSet, FileClosed, KeyframeSeen
from services.worker.succession.loose_end import LooseEnd
from services.worker.succession.part_files import PartFiles

NOW = 1_000_000.0
near = partial(pytest.approx, abs=0.001)
GOP_MS = 2000
KINDS = (Kind.RECORDING, Kind.SEGMENT)


def a_stretch(keys: int = 10, *, connection: str = "1", began_at: float = NOW, first: int = 0) -> Stretch:
    """Give a stretch with keyframes 2 s apart."""
    found = [Key(GOP_MS * n + 80, GOP_MS * n, f"{connection}-{n + first}") for n in range(keys)]
    end = GOP_MS * keys
    return Stretch(connection=("local/boot", connection), began_at=began_at, keys=found, end=end)


def a_live(digest: str, *, at: float, pts: float = 0.08) -> Live:
    """Give a live pull that saw a keyframe, captured at a time (epoch s)."""
    return Live(anchor=at - pts, first=KeyframeSeen(pts=pts, at=at, digest=digest))


def a_loose_end(ends: dict[Kind, float]) -> LooseEnd:
    """Give a part of another machine that reaches so far (epoch s)."""
    return LooseEnd(number=0, anchor=0.0, began=NOW, ends=ends)


def a_mark(digest: str, at: float) -> Mark:
    return Mark(part=0, at=at, digest=digest)


def planned(
    *stretches: Stretch,
    live: Live | None = None,
    loose: LooseEnd | None = None,
    reach: float | None = None,
    mark: Mark | None = None,
) -> Passages:
    return Planning(stretches=stretches, kinds=KINDS, loose=loose, reach=reach, live=live, mark=mark).planned()


def spans(plan: Passages) -> list[tuple[str, str | None]]:
    return [(each.begin.digest, None if each.until is None else each.until.digest) for each in plan.passages]


def test_a_cold_start_has_all_up_to_the_live_pulls_first_keyframe() -> None:
    plan = planned(a_stretch(), live=a_live("1-6", at=NOW + 12.3))

    assert spans(plan) == [("1-0", "1-6")]
    assert plan.live is not None
    assert plan.live_joins
    assert plan.passages[0].end == near(plan.live.anchor + plan.live.first)
    assert plan.passages[0].epoch == near(NOW + 0.22), "by this worker's clock, not the gateway's"


def test_nothing_is_captured_where_the_live_pull_has_the_first_keyframe() -> None:
    plan = planned(a_stretch(), live=a_live("1-0", at=NOW))

    assert spans(plan) == []
    assert plan.live_is_first
    assert not plan.live_joins


def test_a_live_pull_that_is_not_in_the_backlog_joins_nothing() -> None:
    with pytest.raises(NotThere):
        planned(a_stretch(), live=a_live("elsewhere", at=NOW))


def test_what_is_shipped_and_listed_is_not_captured_again_of_either_kind() -> None:
    loose = a_loose_end({Kind.RECORDING: NOW + 4.08, Kind.SEGMENT: NOW + 8.08})

    plan = planned(a_stretch(), live=a_live("1-6", at=NOW + 12.08), loose=loose, mark=a_mark("1-4", NOW + 8.08))

    assert spans(plan) == [("1-2", "1-6")]
    clock = plan.passages[0].clock()
    assert clock.begins == {Kind.RECORDING: near(0.08), Kind.SEGMENT: near(4.08)}
    assert plan.begins == {Kind.RECORDING: near(NOW + 4.08), Kind.SEGMENT: near(NOW + 8.08)}


def test_what_joins_the_last_part_goes_on_on_its_clock() -> None:
    loose = a_loose_end(dict.fromkeys(KINDS, NOW + 5.08))

    plan = planned(a_stretch(), live=a_live("1-6", at=NOW + 12.08), loose=loose, mark=a_mark("1-4", NOW + 5.08))

    clock = plan.passages[0].clock()
    assert clock.anchor + clock.first == near(NOW + 5.08)
    assert plan.live is not None
    assert plan.live.anchor + plan.live.first == near(NOW + 9.08)


def test_where_nobody_noted_a_keyframe_the_times_tell() -> None:
    loose = a_loose_end(dict.fromkeys(KINDS, NOW + 8.2))

    plan = planned(a_stretch(), live=a_live("1-6", at=NOW + 12.08), loose=loose)

    assert spans(plan) == [("1-4", "1-6")]


def test_what_the_gateway_has_no_more_is_missing_for_the_kinds_that_lack_it() -> None:
    loose = a_loose_end({Kind.RECORDING: NOW + 0.08, Kind.SEGMENT: NOW + 24.08})
    late = a_stretch(began_at=NOW + 20, first=10)

    plan = planned(late, live=a_live("1-16", at=NOW + 32.08), loose=loose)

    assert plan.begins == {Kind.RECORDING: near(NOW + 20.08), Kind.SEGMENT: near(NOW + 24.08)}
    assert set(plan.cuts) == {Kind.SEGMENT}


def test_each_connection_that_nobody_listened_to_is_a_passage() -> None:
    first, second = a_stretch(5), a_stretch(3, connection="2", began_at=NOW + 30)
    third = a_stretch(4, connection="3", began_at=NOW + 60)

    plan = planned(first, second, third, live=a_live("3-1", at=NOW + 62.08), reach=NOW + 10.0)

    assert spans(plan) == [("2-0", None), ("3-0", "3-1")]
    assert plan.live_joins


def test_a_live_pull_of_a_connection_that_it_heard_from_the_begin_does_not_join_the_one_before() -> None:
    first, second = a_stretch(5), a_stretch(3, connection="2", began_at=NOW + 30)

    plan = planned(first, second, live=a_live("2-0", at=NOW + 30.08))

    assert spans(plan) == [("1-0", None)]
    assert plan.live_is_first
    assert not plan.live_joins


def test_without_a_live_pull_all_is_captured_that_comes_after_the_last_part() -> None:
    plan = planned(a_stretch(5), a_stretch(3, connection="2", began_at=NOW + 30), reach=NOW + 10.0)

    assert spans(plan) == [("2-0", None)]
    assert plan.live is None


def test_nothing_is_captured_of_a_part_that_ended_with_its_publisher() -> None:
    loose = a_loose_end(dict.fromkeys(KINDS, NOW + 10.2))

    assert spans(planned(a_stretch(5), loose=loose, mark=a_mark("1-4", NOW + 8.08))) == []


def test_a_live_pull_that_began_before_the_other_ended_begins_later_of_what_is_there() -> None:
    loose = a_loose_end({Kind.RECORDING: NOW + 8.08, Kind.SEGMENT: NOW + 10.08})

    plan = planned(a_stretch(), live=a_live("1-2", at=NOW + 4.08), loose=loose, mark=a_mark("1-4", NOW + 8.08))

    assert spans(plan) == []
    assert plan.live_joins
    assert plan.live is not None
    assert plan.live.begins == {Kind.RECORDING: near(4.08), Kind.SEGMENT: near(6.08)}
    assert plan.live.first == near(4.08)


def test_a_mark_of_another_broadcasts_time_is_not_believed() -> None:
    stretch = a_stretch()
    stretch.keys[1] = replace(stretch.keys[1], digest="still")
    loose = a_loose_end(dict.fromkeys(KINDS, NOW + 100.0))

    plan = planned(stretch, live=a_live("1-6", at=NOW + 212.08), loose=loose, mark=a_mark("still", NOW + 100.0))

    assert plan.live is not None
    assert plan.live.anchor + plan.live.first == near(NOW + 212.08)


def test_a_last_keyframe_that_is_there_already_is_not_captured_again() -> None:
    """The publisher left a frame after it."""
    assert spans(planned(a_stretch(5), reach=NOW + 8.12, mark=a_mark("1-4", NOW + 8.08))) == []


def test_a_file_that_begins_with_a_keyframe_tells_the_time_where_no_keyframe_is_noted(tmp_path: Path) -> None:
    part = PartFiles.begun(0, ClockSet(anchor=NOW, first=0.18), tmp_path)
    ends = {Kind.SEGMENT: 4.18, Kind.RECORDING: 4.18}
    for kind, end in ends.items():
        part.close(FileClosed(kind=kind, path=tmp_path / "a", start=0.18, end=end))
    files = [FileClosed(kind=kind, path=tmp_path / "b", start=end, end=end + 1) for kind, end in ends.items()]
    part.ends = {kind: end + 1 for kind, end in ends.items()}

    plan = planned(a_stretch(), a_stretch(connection="2", began_at=NOW + 40), loose=LooseEnd.of(part, files))

    assert plan.cuts == {kind: near(NOW + 4.18) for kind in KINDS}
    assert spans(plan) == [("1-2", None), ("2-0", None)]
    assert plan.passages[1].epoch == NOW + 40, "another connection's clock is its own"
