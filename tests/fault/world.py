"""A whole stack whose store and state can be made to fail, with publishers, viewers and the verifier around it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.bucket import Bucket as SeenBucket
from tests.e2e.stack import TOKEN, Stack
from tests.emulators import CREDENTIALS
from tests.fault.broadcaster import Broadcaster
from tests.fault.proxy import FaultProxy
from tests.fault.watcher import PERIOD_SECONDS, Watcher
from tests.local.running import free_offset
from tests.numbered import NumberedClip, NumberedMedia
from tests.processes import command
from tests.verifier import stored
from tests.verifier.report import Report
from tests.verifier.stored import Bucket, Stored
from tests.verify_session import verify
from tests.waiting import eventually

IDLE_SECONDS = 30.0


@dataclass
class Air:
    """A channel with its broadcaster and its viewer."""

    world: World
    channel: dict[str, Any]
    broadcaster: Broadcaster
    watcher: Watcher

    @property
    def id(self) -> str:
        return str(self.channel["id"])

    @property
    def session(self) -> dict[str, Any]:
        """Give the newest session, as the API shows it."""
        return self.world.stack.session(self.id)

    def until_segments(self, count: int, within: float = 30.0) -> None:
        """Wait until the viewer has seen so many segments more than now."""
        wanted = len(self.watcher._seen) + count
        eventually(lambda: len(self.watcher._seen) >= wanted, within=within, what=f"{count} more segments in live.m3u8")

    def worker(self) -> psutil.Process:
        return self.world.process("services.worker", "--channel", self.id)

    def ffmpeg(self) -> psutil.Process:
        return self.world.process("ffmpeg", "segment_list", self.id)

    def picture_child(self) -> psutil.Process:
        return self.world.process("services.worker.pictures.picture", self.session["id"])

    def end(self, within: float = IDLE_SECONDS) -> None:
        """Leave, complete the session, and wait until the channel is idle."""
        self.broadcaster.leave()
        eventually(self._complete, within=within, what="the API takes complete")
        self.world.stack.wait_for_state(self.id, "idle", within=within)

    def _complete(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.world.stack.api.post(f"/channels/{self.id}/complete").is_success
        return False

    def verify(self, *others: Broadcaster, session: str | None = None, gop: float | None = None) -> Report:
        """Verify a session, the newest if none is named, against the broadcasters' logs, and add what the viewer saw.

        The viewer goes: whoever has further sessions to be seen verifies at the end.
        """
        self.watcher.close()
        self.broadcaster.write_log()
        with self.broadcaster.log.open("a") as log:
            log.writelines(other.log.read_text() for other in others)
        name = session or str(self.session["id"])
        report = verify(self.world.stored(), name, frames=self.broadcaster.log, gop=gop)
        for violation in self.watcher.violations:
            report.find(f"seen_{violation.name}", str(violation))
        return report


@dataclass
class World:
    """The stack, the proxies before its store and its state (None where files are used), and the media."""

    stack: Stack
    folder: Path
    media: NumberedMedia
    store: FaultProxy | None = None
    state: FaultProxy | None = None
    ministack: str | None = None
    session_ids: dict[str, str] = field(default_factory=dict)
    """The sessions of channels, where a fault must know them while the API may be away."""
    exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    looks_every: float = PERIOD_SECONDS
    """How often each channel's viewer looks (s)."""
    _seconds: float = 300

    def clip(self, clip: NumberedClip) -> Path:
        """Give a clip's file, as long as the first one that this world published."""
        return self.media.file(replace(clip, seconds=self._seconds))

    def air(self, clip: NumberedClip = NumberedClip(), **fields: object) -> Air:  # noqa: B008 - it is frozen
        """Make a channel and put it on air, with a viewer; both end with the world."""
        self._seconds = clip.seconds
        defaults = {"video_time": 10, "image_time": 5, "hls_time": 1, "reconnect_window": 60}
        channel = self.stack.create(**(defaults | fields))
        log = self.folder / f"frames-{channel['id']}.jsonl"
        broadcaster = Broadcaster(str(channel["publish"]["url"]), self.media.file(clip), log)
        watcher = Watcher(self._viewer(), str(channel["id"]), self.look, self.looks_every)
        self.exits.enter_context(watcher)
        self.exits.enter_context(broadcaster)
        return Air(self, channel, broadcaster, watcher)

    def _viewer(self) -> httpx.Client:
        return httpx.Client(base_url=self.stack.api.base_url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=15)

    def process(self, *words: str, within: float = 15.0) -> psutil.Process:
        """Wait for a process of the stack whose command line has all of `words`, and give it."""
        return eventually(lambda: self.find(*words), within=within, what=f"a process with {words}")

    def find(self, *words: str) -> psutil.Process | None:
        """Give such a process, None if there is none."""
        return next(iter(self.processes(*words)), None)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Give all such processes."""
        found = []
        for process in self.stack.family():
            line = " ".join(command(process))
            if all(word in line for word in words):
                found.append(process)
        return found

    def nginx(self) -> list[psutil.Process]:
        """Give nginx's master and its workers."""
        return [process for process in self.stack.family() if _name(process) == "nginx"]

    def callback_app(self) -> psutil.Process:
        return next(
            p for p in self.processes("services.gateway") if "services.gateway.nginx" not in " ".join(command(p))
        )

    def stored(self) -> Stored:
        """Give what lies in the store now."""
        if self.stack.bucket is None:
            return stored.Folder(self.stack.seen / "objects")
        return Bucket(self.stack.bucket.name, self.ministack)

    def look(self, key: str) -> bytes | None:
        """Give an object past all faults, None if it is not there."""
        if self.stack.bucket is None:
            path = self.stack.seen / "objects" / key
            return path.read_bytes() if path.exists() else None
        try:
            answer = self._client.get_object(Bucket=self.stack.bucket.name, Key=key)
            return bytes(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise httpx.HTTPError(str(error)) from error
        except BotoCoreError as error:
            raise httpx.HTTPError(str(error)) from error

    def __post_init__(self) -> None:
        if self.stack.bucket is not None:
            style = Config(s3={"addressing_style": "path"})
            self._client = boto3.client("s3", endpoint_url=self.ministack, config=style)

    def spool_files(self) -> list[Path]:
        """Give the media files that wait in the spool; tiles wait there until a sheet is due."""
        spool = self.stack.seen / "spool"
        return [path for path in spool.rglob("*") if path.is_file() and "tiles" not in path.parts]


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


@contextlib.contextmanager
def a_world(
    folder: Path,
    media: NumberedMedia,
    *,
    ministack: str | None = None,
    store: str = "directory",
    state: str = "sqlite",
    variables: dict[str, str] | None = None,
    wrapper: tuple[str, ...] = (),
) -> Iterator[World]:
    """Give a running stack; a `store` "s3" and a `state` "dynamodb" are at `ministack`, with a proxy before each.

    `wrapper` is a command that the stack's is the rest of, as for a disk of its own at the folder "data".
    """
    offset = free_offset()
    with contextlib.ExitStack() as exits:
        arguments, settings, proxies = ["--store", store, "--state", state], dict(variables or {}), {}
        name = f"streamkeep-{offset}"
        if ministack is not None:
            settings |= CREDENTIALS
        for kind, service, setting in (("s3", "S3", "BUCKET"), ("dynamodb", "DYNAMODB", "TABLE")):
            if kind in (store, state):
                assert ministack is not None
                proxies[kind] = exits.enter_context(FaultProxy(ministack))
                settings |= {f"AWS_ENDPOINT_URL_{service}": proxies[kind].url, f"STREAMKEEP_{setting}": name}
        stack = Stack(folder / "data", offset, variables=settings, arguments=tuple(arguments), wrapper=wrapper)
        if store == "s3":
            assert ministack is not None
            stack.bucket = SeenBucket(name, ministack, folder / "bucket")
        stack.start()
        world = World(stack, folder, media, proxies.get("s3"), proxies.get("dynamodb"), ministack)
        try:
            yield world
        finally:
            for proxy in proxies.values():
                proxy.heal()
            world.exits.close()
            if stack.process is not None and stack.process.poll() is None:
                stack.stop()
            stack.api.close()
