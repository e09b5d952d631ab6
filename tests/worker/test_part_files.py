from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.worker.events import ClockSet, FileClosed
from services.worker.succession.part_files import PartFiles

ANCHOR = 1000.0


@pytest.mark.parametrize(("ahead", "is_kept"), [(0.0, True), (0.8, True), (-0.8, True), (1.0, False), (-6.0, False)])
def test_a_picture_that_denies_its_parts_clock_is_not_kept(tmp_path: Path, ahead: float, *, is_kept: bool) -> None:
    part = PartFiles.begun(0, ClockSet(anchor=ANCHOR, first=0.0), tmp_path)
    picture = FileClosed(kind=Kind.SNAPSHOT, path=tmp_path / "picture.jpg", start=4.0, end=4.0, anchor=ANCHOR + ahead)

    assert (part.own(picture, None) is not None) == is_kept
