"""The end of a part that was cut off: what of its open files is of the next part."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.worker.delivery.cutting import cut
from services.worker.events import ClockSet, FileClosed
from services.worker.succession.loose_end import LooseEnd
from services.worker.succession.part_files import PartFiles
from tests.media import Clip, Media
from tests.worker.captures import captured, packets

pytestmark = pytest.mark.anyio
ANCHOR = 1000.0


def a_part(folder: Path, *, first: float = 0.08, closed: float | None = None) -> PartFiles:
    part = PartFiles.begun(3, ClockSet(anchor=ANCHOR, first=first), folder)
    if closed is not None:
        path = folder / "segment-000000000.ts"
        part.close(FileClosed(kind=Kind.SEGMENT, path=path, start=first, end=closed))
    return part


def an_open_file(folder: Path, start: float, end: float) -> FileClosed:
    return FileClosed(kind=Kind.SEGMENT, path=folder / "segment-000000001.ts", start=start, end=end)


def test_an_open_file_is_cut_where_the_next_part_begins(tmp_path: Path) -> None:
    file = an_open_file(tmp_path, 4.08, 9.3)
    loose = LooseEnd.of(a_part(tmp_path, closed=4.08), [file])

    own = loose.own(file, ANCHOR + 8.08)

    assert own is not None
    assert own.start == 4.08
    assert own.end == pytest.approx(8.08)
    assert own.cut_to == pytest.approx(4.0)
    assert loose.start(Kind.SEGMENT) == ANCHOR + 4.08


def test_an_open_file_that_holds_nothing_before_that_is_of_the_next_part(tmp_path: Path) -> None:
    file = an_open_file(tmp_path, 4.08, 5.1)

    assert LooseEnd.of(a_part(tmp_path, closed=4.08), [file]).own(file, ANCHOR + 4.08) is None


def test_an_open_file_is_whole_where_nobody_knows_of_a_next_part(tmp_path: Path) -> None:
    file = an_open_file(tmp_path, 4.08, 9.3)

    assert LooseEnd.of(a_part(tmp_path, closed=4.08), [file]).own(file, None) == file


@pytest.mark.parametrize("kind", [Kind.SEGMENT, Kind.RECORDING])
async def test_a_first_file_with_sound_before_its_video_is_cut_at_the_right_keyframe(
    media: Media, tmp_path: Path, kind: Kind
) -> None:
    """A worker that joined inside a GOP has sound alone at first."""
    clip = media.file(Clip(seconds=8, video_after=1))
    files = captured(clip, tmp_path, recording=60, segment=60)
    keyframe = 1.08
    whole = next(file for file in files if file.kind is kind)
    before = len(packets(whole.path))
    loose = LooseEnd.of(
        a_part(tmp_path, first=keyframe), [FileClosed(kind=kind, path=whole.path, start=0.0, end=whole.end)]
    )

    own = loose.own(loose.files[0], ANCHOR + keyframe + 4)
    assert own is not None
    done = await cut(own)

    assert len(packets(done.path)) == 4 * 25 < before
