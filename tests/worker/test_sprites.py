from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import av
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys, sprites
from services.domain.errors import StoreUnavailable
from services.domain.playlist import Segment
from services.domain.ports import ObjectStore
from services.domain.sprites import TILES
from services.worker.delivery.patience import Patience
from services.worker.delivery.sprites import Sprites
from tests.doubles.faulty_store import FaultyStore
from tests.examples import NOW
from tests.worker.spool import CHANNEL, SESSION, in_place

pytestmark = pytest.mark.anyio

LIST = keys.sprites(CHANNEL, SESSION)
WHOLE = Segment(uri="a.ts", seconds=86_400, program_date_time=NOW, media_sequence=0, discontinuity_sequence=0)


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a small picture, 160x90."""
    path = tmp_path_factory.mktemp("tile") / "grey.jpg"
    made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:s=160x90", "-frames:v", "1", str(path)]
    subprocess.run(made, check=True)
    return path.read_bytes()


@pytest.fixture
def patience() -> Iterator[Patience]:
    with Patience(name="store") as patience:
        yield patience


def _sprites(objects: ObjectStore, folder: Path, patience: Patience) -> Sprites:
    return Sprites(
        store=objects,
        in_place=partial(in_place, objects),
        patience=patience,
        folder=folder,
        channel_id=CHANNEL,
        session_id=SESSION,
        segments=lambda: [WHOLE],
    )


def _take(made: Sprites, folder: Path, grey: bytes, *after: float, height: int = 90) -> None:
    for seconds in after:
        path = folder / f"tile-{seconds}-{height}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(grey)
        made.take(path, NOW + timedelta(seconds=seconds), 160, height)


def _listed(objects: ObjectStore) -> list[tuple[int, int]]:
    return [(tile.sheet, tile.place) for tile in sprites.parse(objects.read(LIST).body.decode())]


def _size(objects: ObjectStore, sheet: int, folder: Path) -> tuple[int, int]:
    path = folder / "sheet.jpg"
    path.write_bytes(objects.read(keys.sprites(CHANNEL, SESSION, sprites.sheet_name(sheet))).body)
    with av.open(str(path)) as opened:
        context = opened.streams.video[0].codec_context
        return context.width, context.height


async def test_a_sheet_holds_the_tiles_that_its_list_names(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    made = _sprites(objects, tmp_path / "tiles", patience)
    _take(made, tmp_path, grey, *range(0, 60, 5))

    await made.write()

    assert _listed(objects) == [(0, place) for place in range(12)]
    assert _size(objects, 0, tmp_path) == (1600, 180)


async def test_tiles_that_come_too_close_together_are_not_kept(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    made = _sprites(objects, tmp_path / "tiles", patience)
    _take(made, tmp_path, grey, 0, 1, 4.9, 5, 9, 10)

    await made.write()

    assert len(_listed(objects)) == 3
    assert not list(tmp_path.glob("tile-*.jpg"))  # noqa: ASYNC240 - a look


async def test_a_full_sheet_is_followed_by_another_and_leaves_nothing_in_the_spool(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    made = _sprites(objects, tmp_path / "tiles", patience)
    _take(made, tmp_path, grey, *range(0, 5 * (TILES + 3), 5))

    await made.write()

    assert _listed(objects)[-1] == (1, 2)
    assert _size(objects, 0, tmp_path) == (1600, 900)
    assert [path.name for path in (tmp_path / "tiles").iterdir()] == ["sheet-000001"]


async def test_a_picture_of_another_shape_begins_another_sheet(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    made = _sprites(objects, tmp_path / "tiles", patience)
    _take(made, tmp_path, grey, 0, 5)
    _take(made, tmp_path, grey, 10, height=120)

    await made.write()

    assert _listed(objects) == [(0, 0), (0, 1), (1, 0)]


async def test_the_next_worker_here_goes_on_with_the_open_sheet(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    first = _sprites(objects, tmp_path / "tiles", patience)
    _take(first, tmp_path, grey, 0, 5)
    await first.write()
    second = _sprites(objects, tmp_path / "tiles", patience)
    _take(second, tmp_path, grey, 10)

    await second.write()

    assert _listed(objects) == [(0, 0), (0, 1), (0, 2)]


async def test_the_next_worker_elsewhere_begins_another_sheet_and_keeps_the_list(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    first = _sprites(objects, tmp_path / "tiles", patience)
    _take(first, tmp_path, grey, 0, 5)
    await first.write()
    shutil.rmtree(tmp_path / "tiles")
    second = _sprites(objects, tmp_path / "tiles", patience)
    _take(second, tmp_path, grey, 10)

    await second.write()

    assert _listed(objects) == [(0, 0), (0, 1), (1, 0)]


async def test_what_a_store_did_not_take_is_written_when_it_is_back(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    store = FaultyStore(objects)
    made = _sprites(store, tmp_path / "tiles", patience)
    _take(made, tmp_path, grey, 0, 5)
    store.is_away.set()
    with pytest.raises(StoreUnavailable):
        await made.write()
    store.is_away.clear()

    await made.write()

    assert _listed(objects) == [(0, 0), (0, 1)]


async def test_a_killed_workers_tiles_are_listed_by_its_successor(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    store = FaultyStore(objects)
    killed = _sprites(store, tmp_path / "tiles", patience)
    _take(killed, tmp_path, grey, 0, 5)
    store.fail("replace", 1)
    with pytest.raises(StoreUnavailable):
        await killed.write()

    await _sprites(objects, tmp_path / "tiles", patience).write()

    assert _listed(objects) == [(0, 0), (0, 1)]


async def test_a_tile_that_cannot_be_read_costs_its_sheet_and_not_the_session(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    made = _sprites(objects, tmp_path / "tiles", patience)
    _take(made, tmp_path, b"no picture", 0)
    await made.write()
    _take(made, tmp_path, grey, 5)

    await made.write()

    assert len(_listed(objects)) == 1


async def test_a_tile_that_no_sheet_has_yet_is_its_successors(
    objects: DirectoryStore, tmp_path: Path, grey: bytes, patience: Patience
) -> None:
    _take(_sprites(objects, tmp_path / "tiles", patience), tmp_path, grey, 0, 5)

    await _sprites(objects, tmp_path / "tiles", patience).write()

    assert _listed(objects) == [(0, 0), (0, 1)]
