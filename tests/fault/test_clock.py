"""Row "wall clock steps ±5 min": names stay ordered, PROGRAM-DATE-TIME never goes backward inside a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import m3u8
import pytest

from tests.fault.comebacks import until_connections
from tests.fault.stepped import SteppedClock
from tests.fault.world import Air, a_world
from tests.numbered import NumberedClip, NumberedMedia

CLIP = NumberedClip(seconds=90)
MINUTES = timedelta(minutes=5)
BURST = timedelta(seconds=30)


def captured_at(air: Air, pattern: str) -> list[str]:
    """Give the times that stand in the names of objects, in the order in which they were stored."""
    paths = air.world.stack.objects(pattern)
    return [path.stem for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]


def moment(name: str) -> datetime:
    return datetime.strptime(name.removesuffix("Z"), "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)


@pytest.mark.parametrize("step", [MINUTES, -MINUTES], ids=["forward", "back"])
def test_a_session_goes_on_by_its_own_clock_when_the_wall_clock_is_set(
    tmp_path: Path, numbered: NumberedMedia, step: timedelta
) -> None:
    (tmp_path / "clock").mkdir()
    clock = SteppedClock(tmp_path / "clock")
    with a_world(tmp_path, numbered, wrapper=clock.wrapper) as world:
        air = world.air(CLIP, image_time=1, video_time=5)
        air.until_segments(2)
        worker = air.worker()

        clock.set(step)
        air.until_segments(6)
        assert air.worker().pid == worker.pid, "nobody took its lease for expired"
        air.ffmpeg().kill()
        air.until_segments(2)
        worker.kill()
        air.until_segments(2)
        air.broadcaster.drop(away=1)
        until_connections(air.broadcaster, 2)
        clock.set(timedelta(0))
        air.until_segments(2)
        air.ffmpeg().kill()
        air.until_segments(2)
        air.end()

        assert len(world.stack.sessions(air.id)) == 1
        (vod,) = world.stack.objects(f"hls/{air.id}/*/vod.m3u8")
        begins = [segment.program_date_time for segment in m3u8.loads(vod.read_text()).segments]
        assert all(before and after and before < after for before, after in pairwise(begins))
        for kind in ("snapshots/{id}/2*", "recordings/{id}"):
            moments = [moment(name) for name in captured_at(air, f"{kind.format(id=air.id)}/**/*.*")]
            # What the gateway has kept is stored in a burst, several files at once.
            assert all(after > before - BURST for before, after in pairwise(moments))
        assert air.verify().lines()[:-1] == []
