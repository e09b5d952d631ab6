"""The decoder's end of this process: a child that is started first, fed with whatever a source gives."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any, BinaryIO

from services.adapters.fetch_errors import FetchFailed
from services.domain.errors import InvalidInput
from services.grabber import program
from services.grabber.feed import Feed, File
from services.grabber.findings import Findings

LINE_MAX = 4096
PICTURE_MAX = 24 * 1024 * 1024  # bytes
READ_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG; `offset` is how many seconds after the feed's first picture it comes."""

    body: bytes
    width: int
    height: int
    offset: float


class NoDecoder(Exception):
    """Here no picture can be decoded in safety."""


class Decoder:
    """One child for one picture. Whatever it says is taken for a stranger's word."""

    def __init__(self) -> None:
        """Start it: it loads its libraries while the source is asked."""
        self._child = program.start("services.grabber.decoder")

    def kill(self) -> None:
        """End it."""
        self._child.kill()

    def feed(self, feed: Feed, width: int | None, findings: Findings) -> None:
        """Send the order, then all of a stream, as long as the child takes it."""
        stdin = self._stdin
        want = {"mode": "file", "size": feed.remote.size, "at": feed.at} if isinstance(feed, File) else None
        order = want or {"mode": "stream", "offset": feed.offset}  # type: ignore[union-attr]
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(order | {"width": width}).encode() + b"\n")
            stdin.flush()
            if isinstance(feed, File):
                return
            for piece in feed.pieces:
                findings.media_bytes += len(piece)
                stdin.write(piece)
                stdin.flush()
            stdin.close()

    def picture(self, feed: Feed) -> Picture:
        """Wait for the answer, and hand out what it asks of a file; raise FetchFailed, InvalidInput or NoDecoder."""
        while True:
            said = self._line()
            match said:
                case {"read": [int(offset), int(size)]} if isinstance(feed, File):
                    self._hand_out(feed, offset, size)
                case {"picture": {"bytes": int(size), "width": int(width), "height": int(height), "offset": offset}}:
                    return Picture(self._exactly(size), width, height, float(offset))
                case {"beyond": seconds}:
                    raise InvalidInput("at", f"the source holds {float(seconds):g} s; ask for less")
                case {"failed": str(text)}:
                    raise NoDecoder(text) if "is_ours" in said else FetchFailed(text)
                case _:
                    raise NoDecoder("the decoder answered nonsense")

    def _hand_out(self, feed: File, offset: int, size: int) -> None:
        if not 0 <= offset < feed.remote.size or not 0 < size <= READ_MAX:
            raise NoDecoder("the decoder asked for what there is not")
        found = feed.remote.read(offset, size)
        self._stdin.write(len(found).to_bytes(4, "big") + found)
        self._stdin.flush()

    def _line(self) -> dict[str, Any]:
        line = self._stdout.readline(LINE_MAX)
        if not line:
            raise FetchFailed("it cannot be decoded within the bounds of memory and time")
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        return said if isinstance(said, dict) else {}

    def _exactly(self, size: int) -> bytes:
        body = self._stdout.read(min(size, PICTURE_MAX))
        if len(body) < size or not body.startswith(b"\xff\xd8"):
            raise NoDecoder("the decoder gave no JPEG")
        return body

    @property
    def _stdin(self) -> BinaryIO:
        return _pipe(self._child.stdin)

    @property
    def _stdout(self) -> BinaryIO:
        return _pipe(self._child.stdout)


def _pipe(end: Any) -> BinaryIO:  # noqa: ANN401 - what Popen gives
    if end is None:
        raise NoDecoder("the decoder has no pipes")
    return end  # type: ignore[no-any-return]
