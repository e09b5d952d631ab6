"""The session's sprite sheets and their list: made of the small picture that comes with each picture."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from services.domain import keys, sprites, times
from services.domain.errors import ObjectNotFound
from services.domain.playlist import Segment
from services.domain.ports import ObjectStore
from services.domain.sprites import TILE_SECONDS, TILE_WIDTH, TILES, Tile
from services.worker.child_program import ChildFailed, run
from services.worker.delivery.in_place import InPlace
from services.worker.delivery.parcel import Parcel, remove
from services.worker.delivery.patience import Patience
from services.worker.pictures.sheet import sheet_arguments

log = structlog.get_logger()

WRITE_SECONDS = 60.0
"""How often the open sheet may be written again; a session that has many full ones waits longer."""
_TILE_FILE = re.compile(r"(?:(?P<place>\d{3})-)?(?P<at>\d+)-(?P<width>\d+)x(?P<height>\d+)\.jpg")
"""A tile's time (ms) and size (pixels), and its place once it is on a sheet."""


@dataclass(slots=True, kw_only=True)
class Sprites:
    """Collects tiles in `folder` and writes them as sheets; the list names a sheet once that is stored.

    What lies in the folder outlives this worker: its successor here goes on with it.

    `segments` gives those of the whole playlist, over which the list counts its time, and nothing where there is none.
    """

    store: ObjectStore
    in_place: Callable[[str], InPlace]
    patience: Patience
    folder: Path
    channel_id: str
    session_id: str
    segments: Callable[[], Sequence[Segment]]
    _tiles: list[Tile] = field(default_factory=list)
    _unstored: set[int] = field(default_factory=set)
    _files: dict[str, InPlace] = field(default_factory=dict)
    _is_restored: bool = False
    _last: datetime | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def offer(self, picture: Parcel) -> None:
        """Take the tile of a picture that was just taken, if it has one."""
        path = picture.file.path.with_name(sprites.tile_of(picture.file.path.name))
        width, height = picture.file.width, picture.file.height
        if width is not None and height is not None and path.exists():
            self.take(path, picture.captured_at, TILE_WIDTH, sprites.tile_height(width, height))

    def take(self, path: Path, at: datetime, width: int, height: int) -> None:
        """Take a tile (pixels); one that comes too soon after the one before is not kept."""
        if self._last is not None and 0 <= (at - self._last).total_seconds() < TILE_SECONDS:
            remove(path)
            return
        self._last = at
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.rename(self.folder / f"{round(at.timestamp() * 1000)}-{width}x{height}.jpg")
        except OSError as error:
            log.warning("tile_lost", error=error.strerror)
            return
        self._news.set()

    async def run(self) -> None:
        """Write what has come, not too often, until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(max(WRITE_SECONDS, len(self._tiles) / 20))
            await self.patience.until_done(self.write)

    async def write(self) -> None:
        """Write the sheets that have changed and then the list, as far as the playlist reaches."""
        async with self._lock:
            self._news.clear()
            try:
                await self._restore()
                self._place_pending()
                for number in sorted(self._unstored):
                    await self._store_sheet(number)
                segments = self.segments()
                if self._tiles and segments:
                    text = sprites.render(self._tiles, segments)
                    await self._file("sprites.vtt").write(text.encode())
            except BaseException:
                self._news.set()
                raise

    def _file(self, name: str) -> InPlace:
        if name not in self._files:
            self._files[name] = self.in_place(keys.sprites(self.channel_id, self.session_id, name))
        return self._files[name]

    async def _restore(self) -> None:
        """Go on with what an earlier worker of this session has listed, and what it left in the folder."""
        if self._is_restored:
            return
        key = keys.sprites(self.channel_id, self.session_id)
        try:
            listed = sprites.parse((await self.patience.thread(partial(self.store.read, key))).body.decode())
        except ObjectNotFound:
            listed = []
        known = {(tile.sheet, tile.place): tile for tile in [*listed, *self._left()]}
        self._unstored |= {sheet for sheet, _ in known.keys() - {(tile.sheet, tile.place) for tile in listed}}
        self._tiles = [known[each] for each in sorted(known)]
        self._is_restored = True

    def _left(self) -> list[Tile]:
        tiles = []
        for path in self.folder.glob("sheet-*/*.jpg"):
            if (named := _TILE_FILE.fullmatch(path.name)) is not None:
                place, at, width, height = (int(named[name]) for name in ("place", "at", "width", "height"))
                sheet = int(path.parent.name.removeprefix("sheet-"))
                moment = times.utc(at / 1000)
                tiles.append(Tile(at=moment, sheet=sheet, place=place, width=width, height=height))
        return tiles

    def _sheet_folder(self, number: int) -> Path:
        return self.folder / f"sheet-{number:06d}"

    def _place_pending(self) -> None:
        """Give each tile that has come its place, on a new sheet where the last is full, lost or of another size."""
        for path in sorted(self.folder.glob("*.jpg")):
            if (named := _TILE_FILE.fullmatch(path.name)) is None:
                continue
            at, width, height = (int(named[name]) for name in ("at", "width", "height"))
            last = self._tiles[-1] if self._tiles else None
            sheet, place = (0, 0) if last is None else (last.sheet, last.place + 1)
            if last is not None and not self._goes_on(last, width, height):
                sheet, place = last.sheet + 1, 0
            target = self._sheet_folder(sheet) / f"{place:03d}-{path.name}"
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
            except OSError as error:
                log.warning("tile_lost", error=error.strerror)
                continue
            self._tiles.append(Tile(at=times.utc(at / 1000), sheet=sheet, place=place, width=width, height=height))
            self._unstored.add(sheet)

    def _goes_on(self, last: Tile, width: int, height: int) -> bool:
        is_same_size = (last.width, last.height) == (width, height)
        return last.place + 1 < TILES and is_same_size and self._sheet_folder(last.sheet).is_dir()

    async def _store_sheet(self, number: int) -> None:
        folder = self._sheet_folder(number)
        paths = sorted(folder.glob("*.jpg"))
        bodies = b"".join(path.read_bytes() for path in paths)
        try:
            body = await run(sheet_arguments(len(paths)), feed=bodies)
        except ChildFailed as error:
            log.warning("sheet_not_made", sheet=number, error=str(error))
            self._forget(number)
            return
        await self._file(sprites.sheet_name(number)).write(body)
        self._unstored.discard(number)
        if len(paths) == TILES or number < self._tiles[-1].sheet:
            shutil.rmtree(folder, ignore_errors=True)
            self._files.pop(sprites.sheet_name(number), None)

    def _forget(self, number: int) -> None:
        self._unstored.discard(number)
        self._tiles = [tile for tile in self._tiles if tile.sheet != number]
        shutil.rmtree(self._sheet_folder(number), ignore_errors=True)
