"""What a worker makes of what the one before it left."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.artifact import Artifact, Kind
from services.domain.manifest import Gap, Head
from services.domain.session import SessionState
from services.worker.delivery.parcel import Waiting
from services.worker.events import FileClosed
from services.worker.succession.inheritance import without
from services.worker.succession.ledger import Ledger
from services.worker.succession.recovery import Leftovers, recover
from tests.examples import NOW

pytestmark = pytest.mark.anyio

HEAD = Head(session_id="session", channel_id="camera", started_at=NOW, state=SessionState.LIVE, epoch=2)
SEGMENT = FileClosed(kind=Kind.SEGMENT, path=Path("segment-000000001.ts"), start=2.0, end=4.0)
GONE = Leftovers(gone=[Waiting(SEGMENT, 0, NOW.timestamp())])


def listed(begins: float) -> Artifact:
    captured_at = NOW + timedelta(seconds=begins)
    return Artifact(kind=Kind.SEGMENT, key="k", captured_at=captured_at, bytes=1, sha256="0", part=0, seconds=2.0)


def test_a_file_that_is_neither_in_the_spool_nor_in_the_manifest_is_a_gap() -> None:
    head = without(HEAD, GONE, [listed(0), listed(4)])

    began, ended = NOW + timedelta(seconds=2), NOW + timedelta(seconds=4)
    assert head.gaps == (Gap(started_at=began, ended_at=ended, outputs=("hls",), cause="store_dropped"),)


def test_a_file_that_the_manifest_lists_is_no_gap_although_it_was_measured_anew() -> None:
    assert without(HEAD, GONE, [listed(1.8)]) == HEAD


async def test_a_ledger_that_lost_the_line_of_a_part_is_read_for_the_rest(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.closed(7, FileClosed(kind=Kind.SEGMENT, path=tmp_path / "run" / "segment-000000001.ts", start=0, end=2))
        left = await recover(ledger, tmp_path)

    assert (left.waiting, left.parts) == ([], {})
