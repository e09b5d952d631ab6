"""The picture child's end of the tap: packets with the time of their arrival."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import av
from av.packet import Packet
from av.stream import Stream

from services.worker.pictures.tap_clock import TAP_AHEAD_SECONDS


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet with its time by the media clock and the session's time of its arrival, both in seconds."""

    packet: Packet[Stream]
    pts: float
    at: float

    @property
    def is_keyframe(self) -> bool:
        """Say whether it is one of the video's."""
        return self.packet.is_keyframe and self.packet.stream.type == "video"

    @property
    def new_header(self) -> bytes | None:
        """Give the description of the video that came with this packet, None where none came."""
        side = self.packet.get_sidedata("new_extradata") if self.packet.has_sidedata("new_extradata") else None
        return None if side is None else bytes(side)


@dataclass(slots=True)
class TapReader:
    """Reads a tap in a thread of its own; `clock_offset` is the session's time less CLOCK_MONOTONIC (s).

    Of what is replayed PTS 0 is at `anchor` (epoch s), and each packet of its video is said to arrive at its own time.
    `take` is called with each packet, `over` once when no more come.
    """

    container: av.container.InputContainer
    clock_offset: float
    take: Callable[[Arrival], None]
    over: Callable[[], None]
    complain: Callable[[str], None]
    anchor: float | None = None

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="tap", daemon=True).start()

    def _read(self) -> None:
        try:
            replayed = () if self.anchor is None else self.container.streams.video[:1]
            for packet in self.container.demux(*replayed):
                tick = packet.stream.time_base
                if packet.pts is not None and tick is not None:
                    if self.anchor is None:
                        packet.pts -= round(TAP_AHEAD_SECONDS / tick)
                    pts = float(packet.pts * tick)
                    at = time.monotonic() + self.clock_offset if self.anchor is None else self.anchor + pts
                    self.take(Arrival(packet, pts, at))
        except av.FFmpegError as error:
            self.complain(str(error))
        finally:
            self.over()
