"""How long the callback app takes when many publishers arrive at once: `python -m tests.gateway.bench_callback`.

The real app runs as a process, with real SQLite, a real nginx beside it and a launcher double; the arrivals come from
this process over a socket each, as nginx would send them. `--hold` lets each publisher be held until its worker
listens, which this process says by an `on_play` for each start; without it no publisher is held.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from services.adapters.sqlite_state import SqliteState
from services.domain.signing import sign_publish
from tests.examples import a_channel
from tests.gateway.nginx_process import new_nginx
from tests.gateway.served import KEYRING, settings_variables

EXPIRES = 4_000_000_000
_DECIDED = re.compile(rb"decide;dur=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One answer: milliseconds at the socket, milliseconds of the decision."""

    socket_ms: float
    decide_ms: float


@dataclass(slots=True, kw_only=True)
class Bench:
    """A running app and the state it reads."""

    port: int
    boot: str
    state: SqliteState
    client_ids: int = 0
    arrivals: list[Arrival] = field(default_factory=list)

    async def call(self, hook: str, fields: str) -> bytes:
        """Ask as nginx does, on a connection for each call; give the answer's head."""
        self.client_ids += 1
        content = f"app=stream&addr=127.0.0.1&clientid={self.client_ids}&call={hook}&{fields}".encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"POST /hooks/{self.boot}/{hook} HTTP/1.0\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Connection: Close\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        if b" 200 " not in answer.splitlines()[0]:
            raise RuntimeError(answer.decode())
        return answer

    async def arrive(self, channel_id: str) -> None:
        """Publish and note how long it took."""
        sign = sign_publish(KEYRING, key_id="one", channel_id=channel_id, expires=EXPIRES, key_version=1)
        began = time.perf_counter()
        answer = await self.call("publish", f"name={channel_id}&type=live&sign={sign}")
        took = (time.perf_counter() - began) * 1000
        found = _DECIDED.search(answer)
        self.arrivals.append(Arrival(took, float(found[1]) if found else 0.0))

    async def listen(self, started: asyncio.StreamReader) -> None:
        """Say of each worker that is started that it listens."""
        async with asyncio.TaskGroup() as group:
            while line := await started.readline():
                channel_id, session_id = line.decode().split()
                token = self.state.sessions.get(session_id).pull_token.reveal()
                group.create_task(self.call("play", f"name={channel_id}&session={session_id}&token={token}"))

    def end_sessions(self) -> None:
        """Let the next round find every channel idle, as if its worker had finalised."""
        for session in self.state.sessions.open_sessions():
            self.state.sessions.save(session=session.ended(datetime.now(UTC)))


@asynccontextmanager
async def running(folder: Path, hold_seconds: str) -> AsyncIterator[tuple[Bench, asyncio.StreamReader]]:
    """Run nginx and the app."""
    nginx = new_nginx(folder / "run")
    port = nginx.callback_port
    variables = settings_variables(folder, port=port, nginx=nginx, HOLD_SECONDS=hold_seconds, LOG_LEVEL="info")
    command = [sys.executable, "-m", "tests.gateway.served"]
    with nginx, SqliteState(folder / "state.db") as state, (folder / "log").open("wb") as log:
        environment = {**os.environ, **variables}
        app = await asyncio.create_subprocess_exec(*command, env=environment, stderr=log, stdout=subprocess.PIPE)
        assert app.stdout is not None
        try:
            await app.stdout.readline()
            yield Bench(port=port, boot=nginx.boot(), state=state), app.stdout
        finally:
            app.terminate()
            await app.wait()


async def measure(arguments: argparse.Namespace) -> list[Arrival]:
    """Let all channels' publishers arrive at once, round after round."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), "1.5" if arguments.hold else "0") as (bench, started):
            channels = [f"channel-{number}" for number in range(arguments.channels)]
            for channel_id in channels:
                bench.state.channels.add(a_channel(channel_id, outdate=datetime.fromtimestamp(EXPIRES, UTC)))
            listening = asyncio.create_task(bench.listen(started)) if arguments.hold else None
            for _ in range(arguments.rounds):
                await asyncio.gather(*(bench.arrive(channel_id) for channel_id in channels))
                bench.end_sessions()
                await asyncio.sleep(0.2)
            if listening is not None:
                listening.cancel()
            return bench.arrivals


def figures(name: str, values: list[float]) -> str:
    """Give a line of percentiles."""
    ordered = sorted(values)
    shown = [ordered[max(0, round(share * len(ordered)) - 1)] for share in (0.5, 0.99, 1.0)]
    return "{:14} p50 {:7.1f} ms  p99 {:7.1f} ms  max {:7.1f} ms".format(name, *shown)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--hold", action="store_true")
    arguments = parser.parse_args()
    arrivals = asyncio.run(measure(arguments))
    held = "held until their worker listens" if arguments.hold else "not held"
    sys.stdout.write(f"{arguments.rounds} rounds of {arguments.channels} publishers at once, {held}\n")
    sys.stdout.write(figures("at the socket", [each.socket_ms for each in arrivals]) + "\n")
    sys.stdout.write(figures("the decision", [each.decide_ms for each in arrivals]) + "\n")


if __name__ == "__main__":
    main()
