"""Streams that no encoder should send, and some that encoders do send: what is pushed when, tag by tag.

stream = jumped(tags, at=5000, by=3_600_000)
with Playing(url, stream) as playing:
    playing.join()
playing.write_log(path)           # frames as tests/verify_session.py reads them
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from tests.rtmp import AUDIO, VIDEO, Connection, Refused, Tag
from tests.waiting import eventually

WRAP = 1 << 32
UNKNOWN = 15
H264 = 7
SEED = 4
LISTENING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sent `at` seconds after the stream began: a tag with its timestamp (ms), or bytes that are no RTMP.

    `shown` is the time in the clip (ms) of the frame that it is.
    """

    at: float
    tag: Tag | None
    timestamp: int = 0
    shown: int | None = None
    raw: bytes = b""


Stream = list[Piece]


def paced(tags: Iterable[Tag], time_of: Callable[[Tag], int] = lambda tag: tag.timestamp) -> Stream:
    """Send each tag at its time in the clip, with the timestamp that `time_of` gives it."""
    return [
        Piece(tag.timestamp / 1000, tag, max(0, time_of(tag)), tag.presented if _is_frame(tag) else None)
        for tag in tags
    ]


def _is_frame(tag: Tag) -> bool:
    return tag.kind == VIDEO and not tag.is_header and tag.body[1:2] == b"\x01"


def based(tags: Iterable[Tag], base: int) -> Stream:
    """Let timestamps begin at `base` (ms), and wrap."""
    return paced(tags, lambda tag: (base + tag.timestamp) % WRAP)


def jumped(tags: Iterable[Tag], *, at: int, by: int, base: int = 0) -> Stream:
    """Set all timestamps forward, or back, from one moment of the clip on (ms)."""
    return paced(tags, lambda tag: base + tag.timestamp + (by if tag.timestamp >= at else 0))


def unordered(tags: Iterable[Tag], *, back: int, every: int) -> Stream:
    """Let one frame in `every` claim to have been sent `back` ms before the last one."""
    count = 0

    def time_of(tag: Tag) -> int:
        nonlocal count
        count += _is_frame(tag)
        return tag.timestamp - (back if _is_frame(tag) and count % every == 0 else 0)

    return paced(tags, time_of)


def hurried(tags: Iterable[Tag], speed: float) -> Stream:
    """Send a clip so many times faster than its timestamps say."""
    return [replace(piece, at=piece.at / speed) for piece in paced(tags)]


def in_bursts(tags: Iterable[Tag], seconds: float) -> Stream:
    """Hold back what is sent, and send it at once every so often."""
    return [replace(piece, at=piece.at // seconds * seconds + seconds) for piece in paced(tags)]


def with_amid(tags: Iterable[Tag], make: Callable[[int], Sequence[Tag]], every: int = 1000) -> Stream:
    """Put what `make` gives for a time (ms) amid a stream, once in `every` ms."""
    stream: Stream = []
    due = every
    for piece in paced(tags):
        stream.append(piece)
        if piece.timestamp >= due:
            due += every
            stream += [Piece(piece.at, tag, tag.timestamp) for tag in make(piece.timestamp)]
    return stream


def truncated(moment: int) -> Sequence[Tag]:
    """Tags that end before what they must say."""
    return [Tag(VIDEO, moment, b"\x17\x01\x00\x00"), Tag(VIDEO, moment, b"\x27\x01"), Tag(AUDIO, moment, b"\xaf")]


def of_other_codecs(moment: int) -> Sequence[Tag]:
    """Tags of Sorenson video and MP3 sound."""
    return [Tag(VIDEO, moment, b"\x12" + noise(50)), Tag(AUDIO, moment, b"\x2f" + noise(50))]


def empty(moment: int) -> Sequence[Tag]:
    """Tags without a body."""
    return [Tag(VIDEO, moment, b""), Tag(AUDIO, moment, b"")]


def broken(moment: int) -> Sequence[Tag]:
    """A frame of H.264 of which nothing can be read."""
    return [Tag(VIDEO, moment, b"\x27\x01\x00\x00\x00" + noise(300))]


def of_no_kind(moment: int) -> Sequence[Tag]:
    """A tag of a kind that FLV does not have."""
    return [Tag(UNKNOWN, moment, b"abc")]


def of_codec(tags: Iterable[Tag], number: int) -> Stream:
    """Say another codec of all video."""

    def said(tag: Tag) -> Tag:
        body = bytes([tag.body[0] & 0xF0 | number]) + tag.body[1:]
        return replace(tag, body=body) if tag.kind == VIDEO else tag

    return [replace(piece, tag=piece.tag and said(piece.tag)) for piece in paced(tags)]


def enhanced(tags: Iterable[Tag]) -> Stream:
    """Say of all video that it is HEVC, as Enhanced RTMP does."""

    def said(tag: Tag) -> Tag:
        if tag.kind != VIDEO:
            return tag
        start, frames = 0, 1
        head = 0x80 | tag.body[0] & 0x70 | (start if tag.is_header else frames)
        return replace(tag, body=bytes([head]) + b"hvc1" + tag.body[2:])

    return [replace(piece, tag=piece.tag and said(piece.tag)) for piece in paced(tags)]


def random_bodies(seconds: float) -> Stream:
    """Tags whose bodies are random bytes, 25 a second."""
    kinds = random.Random(SEED)  # noqa: S311 - no secret
    times = range(0, round(seconds * 1000), 40)
    return [Piece(moment / 1000, Tag(kinds.choice((AUDIO, VIDEO)), moment, noise(200)), moment) for moment in times]


def cut_off_by_noise(tags: Iterable[Tag], at: float) -> Stream:
    """A good stream, then random bytes on the connection itself."""
    good = [piece for piece in paced(tags) if piece.at < at]
    return [*good, *(Piece(at + number / 10, None, raw=noise(20_000)) for number in range(20))]


def changed(first: Sequence[Tag], second: Sequence[Tag], at: int) -> Stream:
    """Go over to another clip's video at its first keyframe from `at` (ms) on, on the same connection."""
    later = next(tag.timestamp for tag in second if tag.is_keyframe and not tag.is_header and tag.timestamp >= at)
    header = [tag for tag in second if tag.is_header and tag.kind == VIDEO]
    before = [tag for tag in first if tag.timestamp < later]
    after = [tag for tag in second if not tag.is_header and tag.timestamp >= later]
    return [*paced(before), *(Piece(later / 1000, tag, later) for tag in header), *paced(after)]


def spoiled(tags: Iterable[Tag], number: int) -> Stream:
    """Make one keyframe unreadable."""
    stream, keyframes = paced(tags), 0
    for place, piece in enumerate(stream):
        if piece.shown is not None and piece.tag is not None and piece.tag.is_keyframe:
            keyframes += 1
            if keyframes == number:
                body = piece.tag.body[:12] + noise(len(piece.tag.body) - 12)
                stream[place] = replace(piece, tag=replace(piece.tag, body=body), shown=None)
    return stream


def noise(count: int) -> bytes:
    """Give random bytes, always the same."""
    return random.Random(count).randbytes(count)  # noqa: S311 - no secret


@dataclass(slots=True)
class Playing:
    """Pushes a stream in real time in a thread of its own, as soon as `is_heard` says that somebody listens."""

    url: str
    stream: Stream
    is_heard: Callable[[], bool] = lambda: True
    refused: str | None = None
    began: float = 0.0
    _lines: list[dict[str, object]] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()

    def join(self) -> None:
        """Wait until all is sent, or the server would take no more."""
        assert self._thread is not None
        self._thread.join(self.stream[-1].at + 30)
        assert not self._thread.is_alive()

    @property
    def is_over(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def write_log(self, path: Path) -> None:
        """Write which frame was sent when."""
        path.write_text("".join(f"{json.dumps(line)}\n" for line in self._lines))

    def _play(self) -> None:
        try:
            connection = Connection(self.url)
        except Refused as error:
            self.refused = str(error)
            return
        offset = min((piece.shown for piece in self.stream if piece.shown is not None), default=0)
        with contextlib.suppress(AssertionError):  # a publisher that sends nothing is cut after 6 s
            eventually(self.is_heard, within=LISTENING_SECONDS, what="somebody listens")
        self.began, clock = time.time(), time.monotonic()
        with connection, contextlib.suppress(Refused):
            for piece in self.stream:
                ahead = clock + piece.at - time.monotonic()
                if ahead > 0:
                    threading.Event().wait(ahead)
                if piece.tag is None:
                    connection.send_raw(piece.raw)
                else:
                    connection.send(piece.tag, piece.timestamp)
                if piece.shown is not None and piece.tag is not None:
                    self._note(piece.shown - offset, is_keyframe=piece.tag.is_keyframe)

    def _note(self, shown: int, *, is_keyframe: bool) -> None:
        now, due = time.time(), self.began + shown / 1000
        self._lines.append({"tick": round(shown / 10), "at": now, "due": due, "key": is_keyframe, "connection": 0})
