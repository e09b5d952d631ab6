"""What the picture child tells of the packets as they come; picture.py says what the lines mean."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from av.packet import Packet
from av.stream import Stream

from services.worker.pictures.media_clock import MediaClock
from services.worker.pictures.tap import Arrival

REPORT_SECONDS = 1.0
BEAT_SECONDS = 0.5
LONGEST_GOP_SECONDS = 31.0
"""Half a minute between keyframes is a long GOP; a stream that takes longer is cut between them."""


def tell(**event: object) -> None:
    """Write one line to the worker."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def complain(error: str) -> None:
    """Tell that the tap cannot be read on."""
    tell(event="undecodable", pts=0.0, error=error)


def digest(packet: Packet[Stream]) -> str:
    """Name a packet by its content."""
    return hashlib.blake2b(bytes(packet), digest_size=16).hexdigest()


@dataclass(slots=True)
class Teller:
    """Tells what is to be known of the packets as they come; what is `told` already is not told again.

    `header` describes the video to a decoder, and `video` to whoever reads; with `needs_keyframes` one that never comes
    is told.
    """

    header: bytes | None
    video: dict[str, Any] | None
    needs_keyframes: bool
    clock: MediaClock
    _told: set[str] = field(default_factory=set)
    _reported: float = 0.0
    _beaten: float = 0.0
    _keyframe: float | None = None

    def once(self, event: str, **more: float) -> None:
        """Tell what the worker needs to hear only once."""
        if event not in self._told:
            self._told.add(event)
            tell(event=event, **more)

    def take(self, arrival: Arrival) -> None:
        """Look at the next packet."""
        if (jump := self.clock.arrive(arrival.pts, arrival.at)) is not None:
            self.once("jump", until=jump.until, by=jump.seconds)
        if self.clock.is_in_doubt:
            self.beat()
            return
        header = arrival.new_header
        if header is not None and header != self.header:
            self.once("new_video", until=arrival.pts)
        if arrival.is_keyframe:
            self._keyframe = arrival.pts
            drift = self.clock.drift
            tell(event="keyframe", pts=arrival.pts, at=arrival.at, digest=digest(arrival.packet), drift=drift)
            self._reported = arrival.at
        self._report(arrival)

    def beat(self) -> None:
        """Tell that this child goes on: one that is fed and says nothing is replaced."""
        now = time.monotonic()
        if now - self._beaten >= BEAT_SECONDS:
            self._beaten = now
            tell(event="alive")

    def _report(self, arrival: Arrival) -> None:
        if arrival.at - self._reported >= REPORT_SECONDS:
            tell(event="packet", pts=arrival.pts, drift=self.clock.drift)
            self._reported = arrival.at
        if self._keyframe is None:
            self._keyframe = arrival.pts  # as if one had come just before the first
        if self.needs_keyframes and arrival.pts - self._keyframe > LONGEST_GOP_SECONDS:
            self.once("no_keyframes")
