"""A worker that dies between any two steps of shipping has a successor that neither loses nor doubles anything."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import Gap
from services.worker.delivery.parcel import Parcel
from services.worker.events import FileClosed
from services.worker.succession.ledger import Ledger
from tests.doubles.faulty_store import WatchedStore
from tests.media import Clip, Media
from tests.worker.captures import captured
from tests.worker.life import Killed, Life
from tests.worker.spool import CHANNEL, SESSION, Spool, a_spool, a_successor

pytestmark = pytest.mark.anyio


class MortalLedger(Ledger):
    """A ledger whose writer may die before and after each line."""

    def __init__(self, path: Path, life: Life) -> None:
        super().__init__(path)
        self.life = life

    def prepared(self, original: Path, parcels: Sequence[Parcel], *, target: int | None = None) -> None:
        self.life.step()
        super().prepared(original, parcels, target=target)
        self.life.step()

    def shipped(self, entry: Artifact, path: Path | None = None) -> None:
        self.life.step()
        super().shipped(entry, path)
        self.life.step()

    def dropped(self, path: Path, number: int | None, gap: Gap | None) -> None:
        self.life.step()
        super().dropped(path, number, gap)
        self.life.step()


async def live_until(life: Life, spool: Spool, files: list[FileClosed]) -> None:
    """Ship the files until the worker dies, if it does."""
    mortal = MortalLedger(spool.folder / "ledger.jsonl", life)
    spool.ledger = spool.shipping.ledger = spool.preparing.ledger = mortal
    storing = spool.shipping.storing
    storing.store = WatchedStore(storing.store, lambda *_: life.step())
    with mortal:
        waiting = [spool.close_file(file.kind, file.path, max(0.08, file.start), file.end) for file in files]
        try:
            await spool.ship(*waiting, spool.judged_snapshot(4, (80, 160)))
            await spool.manifest.write()
        except (Killed, BaseExceptionGroup) as died:
            if not isinstance(died, Killed) and died.subgroup(Killed) is None:
                raise


@pytest.fixture(scope="module")
def capture(media: Media, tmp_path_factory: pytest.TempPathFactory) -> list[FileClosed]:
    """One recording and three segments."""
    return captured(media.file(Clip()), tmp_path_factory.mktemp("capture"), recording=60, segment=2)


def copied(files: list[FileClosed], folder: Path) -> list[FileClosed]:
    return [replace(file, path=Path(shutil.copy(file.path, folder))) for file in files]


@pytest.mark.parametrize("steps", range(24))
async def test_after_a_kill_between_any_two_steps_all_is_shipped_once(
    capture: list[FileClosed], objects: DirectoryStore, tmp_path: Path, steps: int
) -> None:
    folder = tmp_path / "spool" / SESSION
    spool = a_spool(folder, objects, is_vod=True)
    files = copied(capture, folder / "run")
    with spool.ledger:
        life = Life(steps)
        await live_until(life, spool, files)
    assert life.is_over, "there are fewer steps than that"

    with Ledger(folder / "ledger.jsonl") as ledger:
        later, inherited = await a_successor(folder, objects, ledger, is_vod=True)
        await later.ship(*inherited.leftovers.waiting, parcels=inherited.leftovers.parcels)
        await later.playlists.end()

    entries = later.manifest.head.tail
    assert Counter(entry.kind for entry in entries) == {Kind.SEGMENT: 3, Kind.RECORDING: 1, Kind.SNAPSHOT: 1}
    assert len({(entry.kind, entry.captured_at) for entry in entries}) == 5
    assert sorted(entry.media_sequence for entry in entries if entry.media_sequence is not None) == [0, 1, 2]
    told = {entry.key: entry.bytes for entry in entries}
    told |= {size.key: size.bytes for entry in entries for size in entry.sizes}
    assert {key: len(objects.read(key).body) for key in told} == told
    assert [size.width for entry in entries for size in entry.sizes] == [80, 160]
    assert [path for path in (folder / "run").rglob("*") if path.is_file()] == []
    for key in (keys.live_playlist(CHANNEL), keys.vod_playlist(CHANNEL, SESSION)):
        listed = m3u8.loads(objects.read(key).body.decode())
        assert [(segment.uri or "").rpartition("/")[2][:9] for segment in listed.segments] == [
            f"{n:09d}" for n in range(3)
        ]
        assert listed.is_endlist
