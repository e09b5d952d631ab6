"""Sees to it that each channel whose source is to be fetched has a program that does so, and no other has one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from services.domain.admission import may_be_pulled
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, LaunchFailed, Unavailable
from services.domain.ids import pull_id
from services.domain.ports import ChannelStore, Launcher, LaunchOrder, LeaseStore, Overview, SessionStore
from services.gateway.door import Door
from services.runtime.process_name import is_over

log = structlog.get_logger()

STARTS_MAX = 8
"""How many are started in one sweep: after a restart with many channels their interpreters must not stifle all else."""
KILL_SECONDS, KILL_LOOK_SECONDS = 2.0, 0.02
FIRST_SECONDS, LONGEST_SECONDS, GOOD_RUN_SECONDS = 0.5, 30.0, 30.0


@dataclass(slots=True)
class _Start:
    """When (monotonic) a channel's program was started last, and how long the next start has to wait after it."""

    at: float
    pause: float = FIRST_SECONDS


@dataclass(slots=True, kw_only=True)
class Pulls:
    """Starts and ends them by what state says; the program itself tries its source again, and reads state too."""

    overview: Overview
    channels: ChannelStore
    sessions: SessionStore
    leases: LeaseStore
    launcher: Launcher
    clock: Clock
    sweep_seconds: float
    door: Door = field(default_factory=Door)
    _starts: dict[str, _Start] = field(default_factory=dict)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                async with self._one:
                    await asyncio.to_thread(self.sweep)
            except Unavailable as error:
                log.warning("pulls_not_seen_to", error=str(error))
            await asyncio.sleep(self.sweep_seconds)

    async def let_go(self, channel_id: str) -> None:
        """End a channel's program, if it runs here, so that another gateway's takes its place at once."""
        if channel_id in (self.launcher.running() or ()):
            async with self._one:
                await asyncio.to_thread(self._let_go, channel_id)

    async def look_at(self, channel_id: str) -> None:
        """Apply what has changed of a channel at once; raise Unavailable."""
        async with self._one:
            await asyncio.to_thread(self._check, channel_id)

    def _let_go(self, channel_id: str) -> None:
        log.info("pull_let_go", channel=channel_id)
        self.launcher.kill(channel_id)
        give_up_at = time.monotonic() + KILL_SECONDS
        while channel_id in (self.launcher.running() or ()) and time.monotonic() < give_up_at:
            time.sleep(KILL_LOOK_SECONDS)
        lease = self.leases.get(pull_id(channel_id))
        if lease is not None and is_over(lease.holder):
            self.leases.release(lease)

    def sweep(self) -> None:
        """Compare state with what runs, once; it blocks."""
        now = self.clock.now()
        wanted = {
            standing.air.channel_id
            for standing in self.overview.pulls()
            if may_be_pulled(standing.channel, standing.air, now)
        }
        running = self.launcher.running() or frozenset()
        for channel_id in running - wanted:  # the overview may lag: the program is ended by what is stored
            self._check(channel_id)
        for channel_id in sorted(wanted - running, key=self._last_start)[:STARTS_MAX]:
            self._start(channel_id)
        for channel_id in self._starts.keys() - wanted - running:
            del self._starts[channel_id]

    def _last_start(self, channel_id: str) -> float:
        start = self._starts.get(channel_id)
        return 0.0 if start is None else start.at

    def _check(self, channel_id: str) -> None:
        is_running = channel_id in (self.launcher.running() or ())
        if self._is_wanted(channel_id):
            if not is_running:
                self._start(channel_id)
        elif is_running:
            log.info("pull_ended", channel=channel_id)
            self._starts.pop(channel_id, None)
            self.launcher.kill(channel_id)

    def _is_wanted(self, channel_id: str) -> bool:
        try:
            channel = self.channels.get(channel_id)
        except ChannelNotFound:
            return False
        return may_be_pulled(channel, self.sessions.air(channel_id), self.clock.now())

    def _start(self, channel_id: str) -> None:
        """Start a channel's program, unless it is too early or another machine's, or an earlier life's, runs.

        A gateway that drains starts none: it would refuse what they publish.
        """
        if self.door.is_shut:
            return
        now = time.monotonic()
        start = self._starts.get(channel_id)
        if start is not None and now < start.at + start.pause:
            return
        if self._is_held(channel_id):
            return
        is_anew = start is None or now > start.at + GOOD_RUN_SECONDS
        pause = FIRST_SECONDS if is_anew or start is None else min(2 * start.pause, LONGEST_SECONDS)
        self._starts[channel_id] = _Start(now, pause)
        try:
            self.launcher.launch(LaunchOrder(channel_id=channel_id, session_id=channel_id))
        except LaunchFailed as error:
            log.warning("pull_not_started", channel=channel_id, error=str(error))
            return
        log.info("pull_started", channel=channel_id)

    def _is_held(self, channel_id: str) -> bool:
        lease = self.leases.get(pull_id(channel_id))
        return lease is not None and lease.is_valid(self.clock.now()) and not is_over(lease.holder)


def puller_gone(channel_id: str, returncode: int) -> None:
    """Tell of the end of a channel's program; the next sweep starts it again where it is wanted."""
    log.info("puller_gone", channel=channel_id, returncode=returncode)
