"""Sprite sheets for players' scrub bars: small pictures in rows, and the WebVTT that says which is of which time.

A cue's payload is the sheet's name and, as a media fragment, the place in it (https://www.w3.org/TR/media-frags/#naming-space);
its identifier is the time of capture, by which the list can be read back (https://www.w3.org/TR/webvtt1/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from services.domain import times
from services.domain.playlist import Segment

TILE_WIDTH = 160  # pixels
COLUMNS, ROWS = 10, 10
TILES = COLUMNS * ROWS
TILE_SECONDS = 5.0
"""Tiles are no closer together: a scrub bar is not that long, and a day's list stays below 2 MB."""
SHORTEST_CUE = 0.001

_CUE = re.compile(
    r"^(?P<at>\S+)\n\S+ --> \S+\nsprite-(?P<sheet>\d{6})\.jpg#xywh=(?P<x>\d+),(?P<y>\d+),(?P<w>\d+),(?P<h>\d+)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A small picture, `width` x `height` pixels: the one at `place` (from 0, by rows) of sheet number `sheet`."""

    at: datetime
    sheet: int
    place: int
    width: int
    height: int

    @property
    def payload(self) -> str:
        """Give its place as the list names it."""
        x, y = self.place % COLUMNS * self.width, self.place // COLUMNS * self.height
        return f"{sheet_name(self.sheet)}#xywh={x},{y},{self.width},{self.height}"


def sheet_name(number: int) -> str:
    """Give the name of a sheet, beside its list."""
    return f"sprite-{number:06d}.jpg"


def tile_of(picture: str) -> str:
    """Name the file of a picture's tile, beside it in the spool."""
    return f"{picture.removesuffix('.jpg')}-tile.jpg"


def tile_height(width: int, height: int) -> int:
    """Give the height (pixels, even) of the tile of a picture of this size."""
    return max(2, 2 * round(TILE_WIDTH * height / width / 2))


def render(tiles: Sequence[Tile], segments: Sequence[Segment]) -> str:
    """Render the list over the playlist of `segments`: each tile is shown from its own time on until the next.

    A tile of a time that no segment has is left out.
    """
    shown = list(_placed(sorted(tiles, key=lambda tile: tile.at), segments))
    whole = sum(segment.seconds for segment in segments)
    ends = [after for _, (_, after) in pairwise(shown)] + [whole] * bool(shown)
    blocks = ["WEBVTT"]
    for (tile, start), end in zip(shown, ends, strict=True):
        span = f"{_clock(start)} --> {_clock(max(end, start + SHORTEST_CUE))}"
        blocks.append(f"{times.text(tile.at)}\n{span}\n{tile.payload}")
    return "\n\n".join(blocks) + "\n"


def _placed(tiles: Sequence[Tile], segments: Sequence[Segment]) -> Iterator[tuple[Tile, float]]:
    """Give each tile with its time (s) in the playlist; both are in the order of time."""
    following = iter(segments)
    segment, begin = next(following, None), 0.0
    for tile in tiles:
        while segment is not None and (tile.at - segment.program_date_time).total_seconds() >= segment.seconds:
            begin += segment.seconds
            segment = next(following, None)
        if segment is None:
            return
        within = (tile.at - segment.program_date_time).total_seconds()
        if within >= -SHORTEST_CUE:
            yield tile, begin + max(0.0, within)


def parse(text: str) -> list[Tile]:
    """Read the tiles of a list back."""
    tiles = []
    for cue in _CUE.finditer(text):
        x, y, width, height = (int(cue[name]) for name in "xywh")
        place = y // height * COLUMNS + x // width
        tiles.append(Tile(at=times.parse(cue["at"]), sheet=int(cue["sheet"]), place=place, width=width, height=height))
    return tiles


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
