"""A whole gateway for a test: real nginx, the callback app, real state, real publishers and players."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.adapters.sqlite_state import SqliteState
from services.domain.channel import Channel
from services.domain.clock import SystemClock
from services.domain.ports import LaunchOrder
from services.domain.session import Block, Session
from services.domain.signing import sign_publish
from services.gateway.bootstrap import OwnedLauncher
from services.gateway.exits import OnExit
from services.gateway.nginx_client import Stream, read_stat
from services.gateway.settings import GatewaySettings
from tests.doubles import pulling_worker
from tests.doubles.lagging_overview import LaggingOverview
from tests.doubles.launcher import LauncherDouble, WorkerProgram, no_program
from tests.examples import a_channel
from tests.gateway.journal import Journal
from tests.gateway.nginx_process import Nginx, new_nginx
from tests.gateway.packets import Packet
from tests.gateway.packets import read as packets_in
from tests.gateway.publisher import Player, Publisher
from tests.gateway.served import INTERNAL_TOKEN, KEYRING, settings_variables
from tests.gateway.served_here import ServedApp
from tests.gateway.worker_control import worker_control
from tests.waiting import eventually

SWEEP_SECONDS = 0.2


class World:
    """Everything around the callback app; each test has its own, but for an nginx that it does not harm."""

    def __init__(
        self, folder: Path, media: Path, journal: Journal, shared_nginx: Nginx | None, **settings: str
    ) -> None:
        self.folder = folder
        self.media = media
        self.journal = journal
        self.nginx = shared_nginx or new_nginx(folder / "run")
        self._is_nginx_own = shared_nginx is None
        self.port = self.nginx.callback_port
        defaults = {"SWEEP_SECONDS": str(SWEEP_SECONDS), "HOLD_SECONDS": "0"}
        self.variables = settings_variables(folder, port=self.port, nginx=self.nginx, **{**defaults, **settings})
        self.read_settings()
        self.state_path = folder / "state.db"
        self.state = SqliteState(self.state_path)
        self.worker_program: WorkerProgram = no_program
        self.launcher: LauncherDouble
        self.served: ServedApp
        self._stack = contextlib.ExitStack()
        url = f"http://{self.settings.host}:{self.port}"
        self.http = self._stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=10))
        self._stack.callback(self.state.close)

    def read_settings(self) -> None:
        """Take over what `variables` say now."""
        own = {name.removeprefix("STREAMKEEP_").lower(): value for name, value in self.variables.items()}
        self.settings = GatewaySettings.model_validate(own)

    # The parts

    def start(self, *, nginx: bool = True) -> None:
        """Start nginx, unless it is shared and runs, and the app."""
        if nginx and self._is_nginx_own:
            self._stack.enter_context(self.nginx)
        if nginx:
            self._stack.callback(self._until_nobody_is_connected)
        self.start_app()

    def _until_nobody_is_connected(self) -> None:
        """Leave a shared nginx as it was found; an own one may be gone."""
        self.until(lambda: not self.nginx.answers() or not self.streams(), "all connections are closed")

    def start_app(self) -> None:
        self.served = self._stack.enter_context(ServedApp(self.settings, self._launcher))

    def _launcher(self, _settings: GatewaySettings, on_exit: OnExit) -> OwnedLauncher:
        self.launcher = LauncherDouble(on_exit=on_exit, program=self.worker_program)
        return self.launcher

    def close(self) -> None:
        self._stack.close()

    def pull_with_workers(self) -> None:
        """From the next start of the app on let workers pull as the real ones do."""
        self.worker_program = self._pulling_worker

    def _pulling_worker(self, order: LaunchOrder) -> subprocess.Popen[bytes]:
        url = self.pull_url(order.channel_id, self.state.sessions.get(order.session_id))
        program = [sys.executable, "-I", "-S", pulling_worker.__file__, url, str(self.packets_folder(order.session_id))]
        return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *program])

    def packets_folder(self, session_id: str) -> Path:
        return self.folder / "packets" / session_id

    # State

    def add_channel(self, channel_id: str = "camera", **settings: Any) -> Channel:  # noqa: ANN401 - any field
        now = SystemClock().now()
        life = {"outdate": now + timedelta(days=1), "created_at": now, "updated_at": now}
        channel = a_channel(channel_id, **{**life, **settings})
        self.state.channels.add(channel)
        return channel

    def change_channel(self, channel_id: str, **changes: Any) -> None:  # noqa: ANN401 - any field
        self.state.channels.replace(self.state.channels.get(channel_id).changed(SystemClock().now(), **changes))

    def session(self, channel_id: str = "camera") -> Session:
        """Give the channel's last session, which must exist."""
        session_id = self.state.sessions.air(channel_id).session_id
        assert session_id is not None
        return self.state.sessions.get(session_id)

    def _execute(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.state_path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def break_state(self) -> None:
        """Let every call to state fail."""
        self._execute(*(f"DROP TABLE {table}" for table in ("channels", "sessions", "airs", "leases")))

    def take_state_away(self) -> None:
        """Let calls about sessions fail until state is brought back."""
        self._execute("ALTER TABLE sessions RENAME TO sessions_away")

    def bring_state_back(self) -> None:
        self._execute("ALTER TABLE sessions_away RENAME TO sessions")

    def forget_sessions(self) -> None:
        """Lose the sessions as a state restored from an old copy has."""
        self._execute("DELETE FROM sessions", "DELETE FROM airs")

    def lagging(self) -> LaggingOverview:
        """Let the running app's sweeps see state through an overview that the test can hold in the past."""
        overview = LaggingOverview(self.state_path, self.folder)
        self._stack.callback(overview.close)
        watch = self.served.app.watch
        watch.survey = replace(watch.survey, overview=overview)
        self._stack.callback(self.served.stop)  # before its overview is closed
        return overview

    def until_swept(self, overview: LaggingOverview, times: int = 3) -> None:
        """Wait until so many sweeps have been told of the past, and the last but one of them has acted on it."""
        before = overview.asked
        self.until(lambda: overview.asked > before + times, f"{times} sweeps with a lagging overview")

    def until(self, look: Callable[[], bool], what: str) -> None:
        eventually(look, what=f"{what}; logged: {self.journal.events[-20:]}")

    def until_interrupted(self, channel_id: str = "camera", *, within: float = 10.0) -> Session:
        """Wait until the session's publisher is recorded as gone."""

        def look() -> Session | None:
            session = self.session(channel_id)
            return session if session.publisher is None and session.absent_since is not None else None

        return eventually(look, within=within, what=f"the publisher of {channel_id} is gone")

    def until_on_air(self, channel_id: str = "camera", *, within: float = 10.0) -> Session:
        """Wait until nginx has the channel's publisher and state says so."""
        eventually(
            lambda: self.on_air(channel_id),
            within=within,
            what=f"{channel_id} on air; logged: {self.journal.events[-20:]}",
        )
        return self.session(channel_id)

    def block(self, block: Block, channel_id: str = "camera") -> None:
        self.state.sessions.save(air=self.state.sessions.air(channel_id).changed(block=block))

    def worker_control(self, session: Session, url: str | None = None) -> list[str]:
        """Let a worker hold the session's lease and answer private calls (at `url`?); give the tokens it is shown."""
        told, own_url = self._stack.enter_context(worker_control())
        now, ttl = SystemClock().now(), timedelta(minutes=1)
        lease = self.state.leases.claim(session.id, "host:1", ttl=ttl, now=now)
        self.state.leases.renew(replace(lease, control_url=url or own_url), ttl=ttl, now=now)
        return told

    # nginx

    def streams(self) -> dict[str, Stream]:
        return read_stat(self.nginx.stat())

    def on_air(self, channel_id: str = "camera") -> str | None:
        """Give the client id of who publishes, as nginx says."""
        stream = self.streams().get(channel_id)
        return None if stream is None else stream.publisher

    # Publishers and players

    def sign(self, channel_id: str = "camera", *, expires: datetime | None = None, key_id: str = "one") -> str:
        until = int((expires or SystemClock().now() + timedelta(days=1)).timestamp())
        return sign_publish(KEYRING, key_id=key_id, channel_id=channel_id, expires=until, key_version=1)

    def key(self, channel_id: str = "camera") -> str:
        return f"{channel_id}?sign={self.sign(channel_id)}"

    def publisher(self, key: str | None = None, *, options: list[str] | None = None) -> Publisher:
        """Start a publisher; it is ended with the test."""
        return self._stack.enter_context(Publisher(f"{self.nginx.rtmp_url}/{key or self.key()}", self.media, options))

    def player(self, name: str, **query: str) -> Player:
        """Start a player of `name`; it is ended with the test."""
        tail = "&".join(f"{field}={value}" for field, value in query.items())
        return self._stack.enter_context(Player(f"{self.nginx.rtmp_url}/{name}?{tail}"))

    def pull_url(self, channel_id: str, session: Session) -> str:
        token = session.pull_token.reveal()
        return f"{self.nginx.rtmp_url}/{channel_id}?session={session.id}&token={token}"

    def received(self, session: Session, *, at_least: int, pull: int = 1) -> list[Packet]:
        """Wait until a pulling worker has got so many video packets; give them."""
        path = self.packets_folder(session.id) / f"{pull}.packets"

        def look() -> list[Packet] | None:
            packets = packets_in(path.read_text()) if path.exists() else []
            return packets if len(packets) >= at_least else None

        return eventually(look, what=f"{at_least} packets in {path}")

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Do it later, in a thread."""
        timer = threading.Timer(seconds, call)
        self._stack.callback(timer.join)
        timer.start()

    # HTTP

    def refresh(self, channel_id: str = "camera") -> int:
        """Make the metadata service's private call; give the answer's status."""
        headers = {"Authorization": f"Bearer {INTERNAL_TOKEN}"}
        return self.http.post(f"/channels/{channel_id}/refresh", headers=headers).status_code

    def call(self, hook: str, *, client_id: int = 1, boot: str = "boot", **fields: str) -> httpx.Response:
        """Say what nginx would say."""
        form = {"app": "stream", "addr": "192.0.2.7", "clientid": str(client_id), "call": hook, "name": "camera"}
        return self.http.post(f"/hooks/{boot}/{hook}", data={**form, **fields})

    def arrive_together(self, channel_ids: list[str]) -> list[int]:
        """Let a publisher of each arrive at the app, on a connection each; give the answers' statuses."""
        start = threading.Barrier(len(channel_ids))

        def arrive(client_id: int, channel_id: str) -> int:
            start.wait(10)
            form = {"app": "stream", "addr": "192.0.2.7", "clientid": str(client_id), "call": "publish"}
            fields = {**form, "name": channel_id, "sign": self.sign(channel_id)}
            return self.http.post("/hooks/boot/publish", data=fields).status_code

        with ThreadPoolExecutor(len(channel_ids)) as pool:
            return list(pool.map(arrive, range(1, 1 + len(channel_ids)), channel_ids))
