"""The two sides that take pictures of one live stream: a worker of ours, and ffmpeg as the older systems run it."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import psutil

from services.adapters.opening import open_state
from services.local.folder import DataFolder
from tests.bench.tree_cpu import tree_cpu
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.waiting import eventually

START_SECONDS = 30.0
PICTURES_ONLY = {"is_video": False, "is_hls": False, "is_on_demand": False}
ALL_OUTPUTS = {"is_video": True, "is_hls": True, "is_on_demand": True}


class Side(Protocol):
    """What takes pictures and uses processors for it."""

    def cpu(self) -> Counter[str]:
        """Give the CPU seconds used so far, by process."""
        ...

    def pictures(self) -> int:
        """Count the pictures taken so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """The worker of one channel, with all that it starts."""

    stack: Stack
    channel_id: str
    worker: psutil.Process

    @classmethod
    def begun(cls, stack: Stack, source: Path, ending: ExitStack, **fields: object) -> Ours:
        """Make a channel, publish to it until `ending`, and give its worker once the first picture is there."""
        channel = stack.create(reconnect_window=0, **fields)
        ending.enter_context(Publisher(channel["publish"]["url"], source))
        worker = eventually(
            lambda: stack.process_with("services.worker", "--channel", channel["id"]),
            within=START_SECONDS,
            what="a worker",
        )
        return cls(stack=stack, channel_id=channel["id"], worker=worker)

    def cpu(self) -> Counter[str]:
        return tree_cpu(self.worker)

    def pictures(self) -> int:
        return len(self.stack.objects(f"snapshots/{self.channel_id}/2*/**/*.jpg"))

    def pull_url(self) -> str:
        """Give the address that the worker pulls from, with its token."""
        session_id = self.stack.sessions(self.channel_id)[0]["id"]
        state = open_state(sqlite_path=DataFolder(self.stack.data).state, table="")
        try:
            token = state.sessions.get(session_id).pull_token.reveal()
        finally:
            state.close()
        return f"rtmp://127.0.0.1:{self.stack.rtmp_port}/stream/{self.channel_id}?session={session_id}&token={token}"


class Older:
    """`ffmpeg -i … OPTIONS out%d.jpg`, which decodes every frame."""

    def __init__(self, url: str, options: list[str], folder: Path) -> None:
        self._folder = folder
        self._argv = [
            "setpriv", "--pdeathsig", "KILL", "--",
            "ffmpeg", "-nostdin", "-loglevel", "fatal", "-i", url, *options, str(folder / "out%d.jpg"),
        ]  # fmt: skip
        self._process: psutil.Popen | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir()
        self._process = psutil.Popen(self._argv, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)

    def cpu(self) -> Counter[str]:
        assert self._process is not None
        assert self._process.poll() is None, "ffmpeg has ended"
        return tree_cpu(psutil.Process(self._process.pid))

    def pictures(self) -> int:
        return sum(1 for _ in self._folder.glob("*.jpg"))
