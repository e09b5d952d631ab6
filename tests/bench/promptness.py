"""How soon a picture is there: from its keyframe's arrival at the gateway to the visible object.

`./setup.sh bench promptness`, or `python -m tests.bench.promptness [--pictures 200] [--store directory|s3]`: the real
stack, and a publisher that notes when each numbered keyframe was sent. In a directory an object is there when its name
is (the file's ctime, which its removal from the spool still moves on by a millisecond or two); in S3 when the store,
which takes 50 ms for each PUT, has it.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from services.domain import keys
from tests.bench.latency import HEAD, percentile, row
from tests.bench.numbered_source import SentKeyframes, numbered_tags
from tests.bench.reporting import Found, reported
from tests.bench.table import verdict
from tests.doubles.strict_s3 import Answer, Request, StrictS3
from tests.e2e.stack import Stack
from tests.emulators import CREDENTIALS, Emulators
from tests.local.running import free_offset
from tests.rtmp import LivePublisher
from tests.verifier import media

MOST_SECONDS = {"directory": 0.25, "s3": 0.5}
"""The p95 that is allowed."""
PUT_SECONDS = 0.05
LOOK_SECONDS = 0.004
START_SECONDS = 15
FRAME_SECONDS = 1 / 30


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that became visible at a time (epoch s), here in a file."""

    key: str
    at: float
    path: Path


class Viewer(Protocol):
    """Sees objects become visible."""

    def dated(self) -> list[Seen]:
        """Give the dated pictures."""
        ...

    def latest(self) -> list[tuple[str, float]]:
        """Give the SHA-256 of each content of latest.jpg, and when it was there first (epoch s)."""
        ...


@dataclass(slots=True)
class FolderViewer:
    """Looks at a folder of objects."""

    root: Path
    channel_id: str
    _latest: list[tuple[str, float]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="viewer", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join(5)

    def _look(self) -> None:
        path, before = self.root / keys.latest_snapshot(self.channel_id), 0
        while not self._over.wait(LOOK_SECONDS):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            if found.st_ino != before:
                before = found.st_ino
                self._latest.append((hashlib.sha256(path.read_bytes()).hexdigest(), found.st_ctime_ns / 1e9))

    def dated(self) -> list[Seen]:
        found = sorted((self.root / "snapshots" / self.channel_id).glob("2*/**/*Z.jpg"))
        return [Seen(path.relative_to(self.root).as_posix(), path.stat().st_ctime_ns / 1e9, path) for path in found]

    def latest(self) -> list[tuple[str, float]]:
        return list(self._latest)


class SlowS3(StrictS3):
    """Takes PUT_SECONDS for each PUT, and remembers when pictures were in the store.

    Media that nobody reads here it takes itself: an emulator on the same processors would be what is measured.
    """

    def __init__(self, upstream: str, folder: Path) -> None:
        super().__init__(upstream)
        self._folder = folder
        self._dated: list[Seen] = []
        self._latest: list[tuple[str, float]] = []

    def answer(self, request: Request) -> Answer | None:
        if request.method != "PUT":
            return self.judge(request)
        key = request.path.partition("?")[0].lstrip("/").partition("/")[2]
        time.sleep(PUT_SECONDS)
        answer = Answer(200, [("ETag", f'"{len(request.body)}"')], b"") if _is_media(key) else self.judge(request)
        at = time.time()
        if key.startswith("snapshots/") and answer.status < 300:
            self._note(key, at, request.body)
        return answer

    def _note(self, key: str, at: float, body: bytes) -> None:
        if key.endswith("/latest.jpg"):
            self._latest.append((hashlib.sha256(body).hexdigest(), at))
        elif key.endswith("Z.jpg"):
            path = self._folder / f"{len(self._dated):06d}.jpg"
            path.write_bytes(body)
            self._dated.append(Seen(key, at, path))

    def dated(self) -> list[Seen]:
        return sorted(self._dated, key=lambda seen: seen.key)

    def latest(self) -> list[tuple[str, float]]:
        return list(self._latest)


def _is_media(key: str) -> bool:
    return key.endswith((".ts", ".mp4", ".jpg")) and not key.endswith("/latest.jpg")


def judged(viewer: Viewer, sent: SentKeyframes, store: str) -> Found:
    """Compare what was seen with what was sent."""
    dated = viewer.dated()
    ticks, error = media.pictures([seen.path for seen in dated])
    assert not error, error
    delays, clock, by_content = [], [], {}
    for seen, tick in zip(dated, ticks, strict=True):
        frame = sent.shown_by(tick, seen.at) if tick is not None else None
        assert frame is not None, f"{seen.key} shows {tick}, which was not sent"
        delays.append(seen.at - frame.at)
        clock.append(keys.captured_at(seen.key).timestamp() - frame.presented / 1000)
        by_content[hashlib.sha256(seen.path.read_bytes()).hexdigest()] = frame
    shown = [at - by_content[digest].at for digest, at in viewer.latest() if digest in by_content]
    middle = statistics.median(clock)
    off = max(abs(each - middle) for each in clock)
    rows, kept = [], []
    for name, values in (("dated", delays), ("latest.jpg", shown)):
        kept.append(percentile(values, 0.95) <= MOST_SECONDS[store])
        bound = f"p95 ≤ {MOST_SECONDS[store] * 1000:g} {verdict(is_kept=kept[-1])}"
        rows.append(row(f"{store}, {name}", values, bound))
    kept.append(off <= FRAME_SECONDS)
    rows.append((f"{store}, clock", str(len(clock)), "", "", "", f"{off * 1000:.1f}", verdict(is_kept=kept[-1])))
    return rows, all(kept)


def measured(folder: Path, given: argparse.Namespace, store: str) -> Found:
    """Publish until there are so many pictures."""
    seconds = given.pictures * given.image_time + START_SECONDS
    tags = numbered_tags(folder, gop_seconds=given.gop, seconds=seconds)
    fields = {"image_time": given.image_time, "image_sizes": given.sizes}
    with ExitStack() as ending:
        arguments, variables, slow = ["--store", store, "--state", "sqlite"], {}, None
        if store == "s3":
            slow = ending.enter_context(SlowS3(ending.enter_context(Emulators()).url("ministack"), folder))
            variables = {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": slow.url, "STREAMKEEP_BUCKET": "promptness"}
        stack = Stack(folder / store, free_offset(), arguments=tuple(arguments), variables=variables)
        ending.enter_context(stack)
        channel = stack.create(**fields)
        viewer: Viewer = slow or ending.enter_context(FolderViewer(stack.data / "objects", channel["id"]))
        publisher = LivePublisher(channel["publish"]["url"], tags)
        with publisher:
            publisher.ended.wait(seconds)
        return judged(viewer, SentKeyframes.of(publisher), store)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if the bounds are kept."""
    parser = argparse.ArgumentParser(prog="setup.sh bench promptness", description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--store", choices=tuple(MOST_SECONDS), help="one of them alone")
    parser.add_argument("--gop", type=float, default=2.0, help="seconds between keyframes")
    parser.add_argument("--image-time", type=float, default=2.0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    given = parser.parse_args(arguments)
    print(f"1080p30, 5 Mb/s, GOP {given.gop:g} s, a picture each {given.image_time:g} s; {datetime.now(UTC):%F %T}Z\n")
    return reported(HEAD, (_found(given, store) for store in ([given.store] if given.store else MOST_SECONDS)))


def _found(given: argparse.Namespace, store: str) -> Found:
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name:
        return measured(Path(name), given, store)


if __name__ == "__main__":
    raise SystemExit(main())
