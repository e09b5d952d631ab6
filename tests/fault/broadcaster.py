"""A publisher that behaves as an encoder does: it comes back, and goes on where its picture is by then.

    with Broadcaster(url, [clip], folder / "frames.jsonl") as broadcaster:
        broadcaster.drop(away=2)            # leaves, and is back 2 s later
        broadcaster.vanish(away=2)          # the same without a word
        broadcaster.silence(4)              # stays connected and sends nothing for 4 s, then all that is late at once
        broadcaster.hang(away=2)            # sends nothing any more, and is back by another connection 2 s later
        broadcaster.change(other_clip)      # leaves, and is back at once with another clip
        broadcaster.leave()                 # is gone for good; the log is written

The log has a line of JSON for each frame that was sent, `{tick, at, due, key, connection}`, and for each event of a
connection, `{event, at, connection}`. `due` is when the frame's picture happened, by the wall clock; `tick` is what the
frame shows (hundredths of a second, see tests/numbered.py). All clips of a broadcast share one clock.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.rtmp import VIDEO, LivePublisher, Refused, Tag, read_flv
from tests.waiting import eventually

RETRIES = (0.3, 0.5, 1.0, 1.5, 2.0)
"""Seconds between two tries of a publisher that was refused; the last one is repeated."""


@dataclass(slots=True)
class _Clip:
    tags: list[Tag]
    offset: int  # ms by which the first picture is late in it

    @classmethod
    def of(cls, path: Path) -> Self:
        tags = [
            tag for tag in read_flv(path) if not (tag.kind == VIDEO and tag.body[1:2] == b"\x02")
        ]  # end of sequence
        shown = [tag.presented for tag in tags if tag.kind == VIDEO and not tag.is_header]
        return cls(tags, min(shown, default=0))


@dataclass(slots=True)
class Broadcaster:
    """Publishes `clip` at `url` in real time, again and again, until it is told to leave."""

    url: str
    clip: Path
    log: Path
    retries: Sequence[float] = RETRIES
    began: float = 0.0
    events: list[dict[str, object]] = field(default_factory=list)
    _connections: list[tuple[LivePublisher, _Clip]] = field(default_factory=list)
    _hung: list[LivePublisher] = field(default_factory=list)
    _wish: tuple[str, float] = ("", 0.0)
    _woken: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def start(self) -> None:
        """Begin, in a thread of its own; at the begin of the clip, unless `began` says when that was."""
        self.began = self.began or time.time()
        self._thread = threading.Thread(target=self._broadcast, name="broadcaster", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Leave for good, and write the log."""
        self._over.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(30)
            assert not self._thread.is_alive()
            self._thread = None
        for publisher in self._hung:
            publisher.vanish()
        self.write_log()

    def drop(self, away: float) -> None:
        """Leave as an encoder does, and return after `away` seconds."""
        self._want("leave", away)

    def vanish(self, away: float) -> None:
        """Be gone without a word, and return after `away` seconds."""
        self._want("vanish", away)

    def hang(self, away: float) -> None:
        """Be as dead as a host that lost its network: the connection stays, another comes after `away` seconds."""
        self._want("hang", away)

    def change(self, clip: Path, away: float = 0.0) -> None:
        """Leave, and return with another clip."""
        self.clip = clip
        self._want("leave", away)

    def silence(self, seconds: float) -> None:
        """Send nothing for so long while connected; what is late then comes at once."""
        self._want("silence", seconds)

    def tags(self) -> list[Tag]:
        """Give the tags of the clip that is sent now."""
        return self._connections[-1][1].tags if self._connections else _Clip.of(self.clip).tags

    def frames(self) -> list[dict[str, object]]:
        """Give the frames that were sent until now, over all connections."""
        found: list[dict[str, object]] = []
        for number, (publisher, clip) in enumerate(list(self._connections)):
            for sent in list(publisher.sent):
                shown = sent.presented - clip.offset
                found.append(
                    {
                        "tick": round(shown / 10),
                        "at": round(sent.at, 4),
                        "due": round(self.began + shown / 1000, 4),
                        "key": sent.is_keyframe,
                        "connection": number,
                    }
                )
        return found

    def write_log(self) -> None:
        """Write what was sent until now."""
        self.log.write_text("".join(f"{json.dumps(line)}\n" for line in [*self.events, *self.frames()]))

    @property
    def is_sending(self) -> bool:
        """Say whether a connection has sent a frame and has not ended."""
        last = self._connections[-1][0] if self._connections else None
        return last is not None and bool(last.sent) and not last.ended.is_set()

    def until_sending(self, within: float = 15.0) -> None:
        """Wait until a connection sends."""
        eventually(lambda: self.is_sending, within=within, what="the publisher is let in and sends")

    def publisher(self, connection: int) -> LivePublisher:
        """Give one of the connections that were let in."""
        return self._connections[connection][0]

    @property
    def connections(self) -> int:
        """Give how many connections were let in."""
        return len(self._connections)

    @property
    def refusals(self) -> int:
        """Give how many tries were refused."""
        return sum(event["event"] == "refused" for event in self.events)

    def _want(self, what: str, seconds: float) -> None:
        self._wish = (what, seconds)
        self._woken.set()

    def _note(self, event: str, **more: object) -> None:
        number = len(self._connections) - 1
        self.events.append({"event": event, "at": round(time.time(), 3), "connection": number, **more})

    def _broadcast(self) -> None:
        tries = 0
        clips: dict[Path, _Clip] = {}
        while not self._over.is_set():
            path = self.clip
            clip = clips.setdefault(path, clips.get(path) or _Clip.of(path))
            publisher = LivePublisher(self.url, clip.tags, clip_seconds=lambda: time.time() - self.began)
            tried = time.time()
            try:
                publisher.start()
            except Refused as error:
                self._note("refused", why=str(error)[:200])
                self._over.wait(self.retries[min(tries, len(self.retries) - 1)])
                tries += 1
                continue
            tries = 0
            self._connections.append((publisher, clip))
            self._note("connected", clip=path.name, tried=round(tried, 3))
            self._over.wait(self._stay(publisher))

    def _stay(self, publisher: LivePublisher) -> float:
        """Stay connected until told otherwise or cut; give for how long (s) to be away."""
        while not publisher.ended.is_set() and not publisher.is_cut:
            if not self._woken.wait(0.05):
                continue
            self._woken.clear()
            (what, seconds), self._wish = self._wish, ("", 0.0)
            if self._over.is_set() or what == "leave":
                publisher.leave()
                self._note("left")
                return seconds
            if what == "vanish":
                publisher.vanish()
                self._note("vanished")
                return seconds
            if what == "hang":
                publisher.silent.set()
                self._hung.append(publisher)
                self._note("hung")
                return seconds
            if what == "silence":
                self._be_silent(publisher, seconds)
        publisher.vanish()
        self._note("cut")
        return self.retries[0]

    def _be_silent(self, publisher: LivePublisher, seconds: float) -> None:
        self._note("silent", seconds=seconds)
        until = time.monotonic() + seconds
        publisher.silent.set()
        while time.monotonic() < until and not publisher.is_cut and not self._over.is_set():
            self._over.wait(0.05)
        publisher.silent.clear()
