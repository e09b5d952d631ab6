"""The streams that have events left, each with a lane to each sink of its channel's audience."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.dispatcher.audience import Audiences
from services.dispatcher.lane import Lane
from services.dispatcher.outlets import Outlets
from services.domain.outbox import Backlog, Outbox

PAGE = 500  # streams read at once
PAGES_MAX = 40  # a bound for what is kept in memory: those that have waited longest come first
NOTE_SECONDS = 1.0  # how often state is told how far a sink has come while another one is behind
CHANNELS_MAX = 50_000  # streams whose channel is remembered
_CHANNEL = "channel/"


@dataclass(slots=True, kw_only=True)
class Stream:
    """Events up to `last` are there, those up to `forgotten` were dropped since everybody had them."""

    name: str
    last: int
    forgotten: int = 0
    lanes: dict[str, Lane] = field(default_factory=dict)

    @property
    def is_busy(self) -> bool:
        """Whether events are being brought now."""
        return any(lane.is_running for lane in self.lanes.values())

    @property
    def everywhere(self) -> int:
        """Give the sequence up to which every sink has all."""
        return min((lane.progress for lane in self.lanes.values()), default=self.last)


@dataclass(slots=True, kw_only=True)
class Streams:
    """Follows the outbox; one thread at a time calls `look`, which blocks."""

    outbox: Outbox
    audiences: Audiences
    outlets: Outlets
    _waiting: dict[str, Stream] = field(default_factory=dict)
    _channels: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many have events left."""
        return len(self._waiting)

    def lanes(self) -> Iterator[Lane]:
        """Give the lanes with something to bring, those first that have waited longest."""
        behind = [
            lane
            for stream in list(self._waiting.values())
            for lane in list(stream.lanes.values())
            if lane.progress < stream.last
        ]
        yield from sorted(behind, key=lambda lane: lane.ran_at)

    def look(self) -> None:
        """Tell state how far the sinks have come, and read what there is; raise StateUnavailable."""
        self._settle()
        # A lane that runs may be bringing what the outbox has only since: another beside it would break the order.
        waiting = {name: stream for name, stream in self._waiting.items() if stream.is_busy}
        for backlog in self._backlogs():
            stream = self._waiting.get(backlog.stream) or Stream(name=backlog.stream, last=backlog.last)
            stream.last = max(stream.last, backlog.last)
            if self._is_routed(stream, backlog):
                waiting[stream.name] = stream
        self._waiting = waiting
        self.outlets.close_idle()

    def _backlogs(self) -> Iterator[Backlog]:
        after: Backlog | None = None
        for _ in range(PAGES_MAX):
            page = self.outbox.backlogs(PAGE, after=after)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]

    def _is_routed(self, stream: Stream, backlog: Backlog) -> bool:
        """Give the stream a lane to each of its sinks; say whether it is known which these are.

        The lanes that it had keep their progress; one that runs stays until it has ended.
        """
        channel_id = self._channel_of(stream.name)
        if channel_id is None:
            return False
        lanes = {name: lane for name, lane in stream.lanes.items() if lane.is_running}
        for subscriber in self.audiences.of(channel_id):
            outlet = self.outlets.of(subscriber)
            reached = max(backlog.delivered.get(subscriber.name, 0), stream.forgotten)
            lane = stream.lanes.get(subscriber.name)
            lanes[subscriber.name] = lane or Lane(stream=stream.name, outlet=outlet, progress=reached, noted=reached)
        stream.lanes = lanes
        return True

    def _channel_of(self, name: str) -> str | None:
        """Give the channel that a stream is of, None while that cannot be known: its events were just forgotten."""
        if name.startswith(_CHANNEL):
            return name.removeprefix(_CHANNEL)
        known = self._channels.get(name)
        if known is None:
            known = next((event.channel_id for event in self.outbox.read(name, 0, 1)), None)
            if known is not None:
                if len(self._channels) >= CHANNELS_MAX:
                    self._channels.clear()
                self._channels[name] = known
        return known

    def _settle(self) -> None:
        """Drop what everybody has, and note how far each has come that is ahead of another."""
        now = time.monotonic()
        for stream in list(self._waiting.values()):
            through = stream.everywhere
            if through > stream.forgotten:
                self.outbox.forget(stream.name, through)
                stream.forgotten = through
            for name, lane in stream.lanes.items():
                if lane.progress > max(lane.noted, stream.forgotten) and now - lane.noted_at >= NOTE_SECONDS:
                    self._note(name, lane, now)

    def _note(self, sink: str, lane: Lane, now: float) -> None:
        through = lane.progress
        self.outbox.delivered(lane.stream, sink, through)
        lane.noted, lane.noted_at = through, now

    def settle_all(self) -> None:
        """Tell state all there is to tell, before another dispatcher takes over; raise StateUnavailable."""
        for stream in self._waiting.values():
            for lane in stream.lanes.values():
                lane.noted_at = 0.0
        self._settle()
