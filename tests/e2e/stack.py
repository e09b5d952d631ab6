"""The one-machine stack as a user runs it: a process, its API, its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import m3u8
import psutil

from tests.e2e.bucket import Bucket
from tests.emulators import CREDENTIALS
from tests.processes import children, command
from tests.waiting import eventually

TOKEN = "e2e-admin-token"
ON_AWS = ("--state", "dynamodb", "--store", "s3")


def stack_on_aws(data: Path, offset: int, endpoint: str, *arguments: str) -> Stack:
    """Give a stack, not started yet, whose state and objects are at `endpoint`, in a table and a bucket of its own."""
    name = f"streamkeep-{offset}"
    variables = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, "STREAMKEEP_TABLE": name, "STREAMKEEP_BUCKET": name}
    bucket = Bucket(name, endpoint, data.parent / f"{data.name}-bucket")
    return Stack(data, offset, variables=variables, arguments=(*ON_AWS, *arguments), bucket=bucket)


@dataclass
class Stack:
    """`python -m services.local` on ports of its own, with the settings given as variables."""

    data: Path
    offset: int
    variables: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()
    bucket: Bucket | None = None
    process: subprocess.Popen[bytes] | None = None
    http: httpx.Client | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def seen(self) -> Path:
        """The data folder as the stack sees it, which may have mounts of its own."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.data}") if self.wrapper else self.data

    @property
    def objects_folder(self) -> Path:
        """The folder of objects, as it is now."""
        return self.seen / "objects" if self.bucket is None else self.bucket.look()

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    @property
    def api(self) -> httpx.Client:
        assert self.http is not None
        return self.http

    @property
    def rtmp_port(self) -> int:
        return 1935 + self.offset

    def start(self) -> None:
        if self.http is not None:
            self.http.close()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        program = [*self.wrapper, sys.executable, "-m", "services.local"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "--port-offset", str(self.offset), "--data", str(self.data), *self.arguments],
                env={**clean, "STREAMKEEP_TOKEN": TOKEN, "STREAMKEEP_MIN_FREE_BYTES": "0", **self.variables},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{8000 + self.offset}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        eventually(self._is_ready, within=20, what="the stack is ready")

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.api.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        returncode = self.process.wait(timeout=25)
        self.api.close()
        return returncode

    def kill(self) -> None:
        """Kill the stack's own process, as nobody can prepare for."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=5)

    def family(self) -> list[psutil.Process]:
        """Give every process of the stack."""
        assert self.process is not None
        return children(self.process.pid, recursive=True)

    def process_with(self, *words: str) -> psutil.Process | None:
        """Give a process of the stack whose command line has all of `words`."""
        for process in self.family():
            line = " ".join(command(process))
            if all(word in line for word in words):
                return process
        return None

    def create(self, **fields: object) -> dict[str, Any]:
        answer = self.api.post("/channels", json=fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def channel(self, channel_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/channels/{channel_id}").raise_for_status().json())

    def sessions(self, channel_id: str) -> list[dict[str, Any]]:
        items = self.api.get(f"/channels/{channel_id}/sessions").raise_for_status().json()["items"]
        return list(items)

    def session(self, channel_id: str) -> dict[str, Any]:
        """Give the channel's newest session, whole."""
        newest = self.sessions(channel_id)[0]["id"]
        return dict(self.api.get(f"/sessions/{newest}").raise_for_status().json())

    def wait_for_state(self, channel_id: str, state: str, *, within: float) -> None:
        eventually(
            lambda: self.channel(channel_id)["state"] == state, within=within, what=f"channel {channel_id} is {state}"
        )

    def objects(self, pattern: str) -> list[Path]:
        """Give the objects that match, in the order of their keys; hidden files are no objects."""
        found = (path for path in self.objects_folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
        return sorted(found)

    def live(self, channel_id: str) -> m3u8.M3U8:
        return m3u8.loads((self.objects_folder / "hls" / channel_id / "live.m3u8").read_text())

    def head(self, channel_id: str) -> dict[str, Any]:
        path = self.objects(f"sessions/{channel_id}/*/head.json")[-1]
        return dict(json.loads(path.read_text()))
