"""The picture child's end of the tap: packets with the time of their arrival."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import av
from av.packet import Packet
from av.stream import Stream

from services.worker.pictures.tap_clock import TAP_AHEAD_SECONDS

QUEUE_PACKETS = 512
BURST_SILENCE_SECONDS = 0.03
BURST_SECONDS = 0.3


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
    """Reads a tap in a thread of its own; `clock_offset` is the session's time less CLOCK_MONOTONIC (s)."""

    container: av.container.InputContainer
    clock_offset: float
    complain: Callable[[str], None]
    _arrivals: queue.Queue[Arrival | None] = field(default_factory=lambda: queue.Queue(QUEUE_PACKETS))

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="tap", daemon=True).start()

    def _read(self) -> None:
        try:
            for packet in self.container.demux():
                tick = packet.stream.time_base
                if packet.pts is not None and tick is not None:
                    at = time.monotonic() + self.clock_offset
                    packet.pts -= round(TAP_AHEAD_SECONDS / tick)
                    self._arrivals.put(Arrival(packet, float(packet.pts * tick), at))
        except av.FFmpegError as error:
            self.complain(str(error))
        finally:
            self._arrivals.put(None)

    def burst(self) -> list[Arrival]:
        """Wait for the first packets and take what ffmpeg held back while it probed, until nothing comes at once."""
        first = self._arrivals.get()
        burst = [first] if first is not None else []
        deadline = time.monotonic() + BURST_SECONDS
        while burst and time.monotonic() < deadline:
            try:
                arrival = self._arrivals.get(timeout=BURST_SILENCE_SECONDS)
            except queue.Empty:
                break
            if arrival is None:
                self._arrivals.put(None)
                break
            burst.append(arrival)
        return burst

    def __iter__(self) -> Iterator[Arrival]:
        """Give whatever comes, until the tap ends."""
        while (arrival := self._arrivals.get()) is not None:
            yield arrival
