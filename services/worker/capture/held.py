"""What a run tells before it is known where the part that it makes begins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.worker.capture.early import CLOCK_SECONDS
from services.worker.events import CaptureEvent, ClockSet, FileClosed, KeyframeSeen, MediaSeen, RunOutgrown, VideoSeen
from services.worker.pictures.keyframes import Keyframes

EVENTS_KEPT = 4096
"""How much of what happens meanwhile is remembered."""

Sink = Callable[[CaptureEvent], None]


@dataclass(slots=True, kw_only=True)
class Held:
    """The events of one run until they are released; `begun` is set when its first keyframe is there, or never comes.

    `has_keyframes` says that one is to be waited for.
    """

    has_keyframes: bool = True
    keyframes: Keyframes = field(default_factory=Keyframes)
    clock: ClockSet | None = None
    hears_media: bool = False
    is_over: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _events: deque[CaptureEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    _sink: Sink | None = None
    _reach: float | None = None

    @property
    def is_released(self) -> bool:
        """Say whether somebody hears the run."""
        return self._sink is not None

    def take(self, event: CaptureEvent) -> None:
        """Take what happens."""
        if self._sink is not None:
            self._sink(event)
            return
        self.hears_media = self.hears_media or isinstance(event, ClockSet | KeyframeSeen | MediaSeen)
        match event:
            case KeyframeSeen():
                self.keyframes.add(event)
                self.begun.set()
            case ClockSet():
                self.clock = event
                if not self.has_keyframes:
                    self.begun.set()
            case _:
                self._keep(event)

    def _keep(self, event: CaptureEvent) -> None:
        if isinstance(event, MediaSeen) and self._events and isinstance(self._events[-1], MediaSeen):
            self._events.pop()
        self._events.append(event)
        if isinstance(event, VideoSeen) and event.video is None:
            self.begun.set()  # it is of sound alone
        if isinstance(event, RunOutgrown) and self.clock is None:
            self.begun.set()  # it never has a keyframe
        if isinstance(event, FileClosed):
            self._reach = event.start if self._reach is None else self._reach
            if event.end - self._reach >= CLOCK_SECONDS:
                self.begun.set()  # its picture child says nothing: the files have to tell

    def over(self) -> None:
        """Note that the run is: no keyframe comes any more."""
        self.is_over = True
        self.begun.set()

    @property
    def is_without_beginning(self) -> bool:
        """Say whether the run ended before its first keyframe: what it has is what no decoder can begin with."""
        return self.is_over and self.has_keyframes and self.clock is None

    def release(self, sink: Sink, clock: ClockSet | None, is_wanted: Callable[[CaptureEvent], bool]) -> None:
        """Pass on what has happened, the `clock` first, and from now on what happens."""
        self._sink = sink
        if clock is not None:
            sink(clock)
        while self._events:
            event = self._events.popleft()
            if is_wanted(event):
                sink(event)
