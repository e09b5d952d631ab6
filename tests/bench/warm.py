"""From a worker's launch to its first picture, warm from the pool and cold; `./setup.sh bench warm`.

As in production the publisher is let in when the worker listens, at a real nginx-rtmp; the launch is a process that is
started, or an idle worker that is claimed and told. And what an idle worker uses.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from services.adapters import dynamodb_table, s3_bucket
from services.adapters.dynamodb_state import DynamodbState
from services.adapters.opening import State
from services.adapters.sqlite_state import SqliteState
from services.domain import keys
from services.domain.clock import SystemClock
from services.domain.pool import IdleWorker
from tests.bench.latency import percentile
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import table, verdict
from tests.bench.tree_cpu import tree_cpu
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.emulators import CREDENTIALS, Emulators
from tests.examples import a_channel, a_publisher, a_session
from tests.waiting import eventually

IDLE_CORE_MOST = 0.01
NAME = "bench"


@dataclass(slots=True)
class Stand:
    """A gateway, and a state and a store that workers are given; `has` says whether an object is there.

    Workers are started by the program `through`, which becomes the worker.
    """

    folder: Path
    gateway: OpenGateway
    state: State
    variables: Mapping[str, str]
    has: Callable[[str], bool]
    through: Sequence[str] = ()
    trials: int = 0

    def worker(self, *arguments: str) -> psutil.Popen:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        settings = {
            "STREAMKEEP_SPOOL_PATH": str(self.folder / "spool"),
            "STREAMKEEP_PULL_URL": self.gateway.url,
            "STREAMKEEP_MIN_FREE_BYTES": "0",
        }
        with (self.folder / "worker.log").open("ab") as log:
            argv = [*self.through, sys.executable, "-m", "services.worker", *arguments]
            return psutil.Popen(argv, env={**clean, **settings, **self.variables}, stdout=log, stderr=log)

    def idle(self) -> tuple[psutil.Popen, IdleWorker]:
        """Give a worker that waits, once it does."""
        process = self.worker("--pool")
        wanted = f":{process.pid}:"
        row = eventually(
            lambda: next((row for row in self.state.pool.all() if wanted in row.id), None), within=30, what="a row"
        )
        return process, row

    def accept(self) -> tuple[str, str]:
        """Store a session whose publisher has just been accepted."""
        self.trials += 1
        now, name = SystemClock().now(), f"{NAME}-{self.trials}"
        self.state.channels.add(a_channel(name, image_time=2, video_time=60, hls_time=2))
        publisher = a_publisher(accepted_at=now, listening=True)
        self.state.sessions.save(session=a_session(name, channel_id=name, started_at=now, publisher=publisher))
        return name, name


@dataclass(frozen=True, slots=True)
class Trial:
    """How long it took (s) until the worker listened, and until the first picture was in the store."""

    listening: float
    picture: float


def tried(stand: Stand, source: Path, *, is_warm: bool) -> Trial:
    """Launch one worker, let its publisher in as soon as it listens, and wait for the first picture."""
    idle = stand.idle() if is_warm else None
    channel_id, session_id = stand.accept()
    stand.gateway.listening.clear()
    began = time.perf_counter()
    process = _claimed(stand, idle, channel_id, session_id)
    with ExitStack() as ending:
        ending.callback(_end, process)
        assert stand.gateway.listening.wait(30)
        listening = time.perf_counter() - began
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-i", str(source), "-c", "copy", "-f", "flv"]
        publisher = subprocess.Popen([*argv, f"{stand.gateway.url}/{channel_id}"])
        ending.callback(_end, publisher)
        eventually(lambda: stand.has(keys.latest_snapshot(channel_id)), within=30, what="a picture")
        return Trial(listening, time.perf_counter() - began)


def _claimed(
    stand: Stand, idle: tuple[psutil.Popen, IdleWorker] | None, channel_id: str, session_id: str
) -> psutil.Popen:
    if idle is None:
        return stand.worker("--channel", channel_id, "--session", session_id)
    process, _ = idle
    row = stand.state.pool.claim(channel_id, session_id, zone="", now=SystemClock().now())
    assert row is not None
    told = {"channel": channel_id, "session": session_id}
    httpx.post(f"{row.control_url}/claim", json=told, timeout=5, trust_env=False).raise_for_status()
    return process


def _end(process: psutil.Popen | subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


@contextlib.contextmanager
def _on_this_machine(folder: Path) -> Iterator[Stand]:
    variables = {"STREAMKEEP_STATE_PATH": str(folder / "state.db"), "STREAMKEEP_OBJECTS_PATH": str(folder / "objects")}
    with open_gateway(folder) as gateway, closing(SqliteState(folder / "state.db")) as state:
        yield Stand(folder, gateway, state, variables, lambda key: (folder / "objects" / key).is_file())


@contextlib.contextmanager
def _on_aws(folder: Path) -> Iterator[Stand]:
    """State in DynamoDB and objects in S3, as on AWS."""
    with Emulators() as emulators, open_gateway(folder) as gateway, httpx.Client(trust_env=False) as http:
        endpoint = emulators.url("ministack")
        dynamodb_table.prepare(NAME, endpoint=endpoint)
        s3_bucket.prepare(NAME, endpoint=endpoint)
        variables = {
            "STREAMKEEP_STATE": "dynamodb",
            "STREAMKEEP_STORE": "s3",
            "STREAMKEEP_TABLE": NAME,
            "STREAMKEEP_BUCKET": NAME,
            "AWS_ENDPOINT_URL": endpoint,
            **CREDENTIALS,
        }
        with closing(DynamodbState(NAME, endpoint=endpoint)) as state:
            yield Stand(
                folder, gateway, state, variables, lambda key: http.head(f"{endpoint}/{NAME}/{key}").status_code == 200
            )


STANDS = {"directory": _on_this_machine, "s3": _on_aws}


def _idle_row(stand: Stand, name: str, seconds: float) -> tuple[tuple[str, ...], bool]:
    """Let a worker wait, and tell what it uses."""
    process, _ = stand.idle()
    try:
        before, began = tree_cpu(process).total(), time.perf_counter()
        time.sleep(seconds)
        core = (tree_cpu(process).total() - before) / (time.perf_counter() - began)
        memory = process.memory_full_info()
    finally:
        _end(process)
    is_kept = core <= IDLE_CORE_MOST
    share = f"{core:.2%} of a core ≤ {IDLE_CORE_MOST:.0%} {verdict(is_kept=is_kept)}"
    size = f"{memory.rss / 2**20:.0f} MB resident, {memory.uss / 2**20:.0f} MB its own"
    return (f"{name}, idle {seconds:g} s", "", "", "", f"{share}, {size}"), is_kept


def _row(name: str, trials: Sequence[Trial], cold: Sequence[Trial] = ()) -> tuple[tuple[str, ...], bool]:
    """Give a line; a warm worker is held against what this machine takes with one that it starts itself."""
    pictures = [trial.picture for trial in trials]
    p50 = percentile(pictures, 0.5)
    most = percentile([trial.picture for trial in cold], 0.5) if cold else p50
    is_kept = p50 <= most
    bound = f"p50 ≤ {most:.2f} s, as a cold one {verdict(is_kept=is_kept)}" if cold else ""
    listening = percentile([trial.listening for trial in trials], 0.5)
    return (name, f"{listening:.2f}", f"{p50:.2f}", f"{max(pictures):.2f}", bound), is_kept


def _measured(name: str, source: Path, given: argparse.Namespace) -> Iterator[tuple[tuple[str, ...], bool]]:
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as folder, STANDS[name](Path(folder)) as stand:
        stand.through = shlex.split(given.through)
        cold, warm = [], []
        for _ in range(given.trials):  # in turn, so that both have the same machine
            cold.append(tried(stand, source, is_warm=False))
            warm.append(tried(stand, source, is_warm=True))
        yield _row(f"{name}, cold", cold)
        yield _row(f"{name}, warm", warm, cold)
        if given.idle:
            yield _idle_row(stand, name, given.idle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if the bounds are kept."""
    parser = argparse.ArgumentParser(prog="setup.sh bench warm", description=__doc__)
    parser.add_argument("--only", choices=sorted(STANDS))
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument(
        "--through",
        default="",
        metavar="PROGRAM",
        help="start workers by it, for example 'systemd-run --scope --quiet --property CPUQuota=25%%'",
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as folder:
        source = hd_stream(Path(folder))
        print(f"{WHAT}; {given.trials} launches of each kind, in turn\n", flush=True)
        names = [given.only] if given.only else sorted(STANDS)
        rows = [row for name in names for row in _measured(name, source, given)]
    print(table(("workers", "pulls after s", "picture s, p50", "longest", ""), [row for row, _ in rows]))
    return 0 if all(is_kept for _, is_kept in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
