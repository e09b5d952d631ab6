"""The tap as the worker's own ffmpeg makes it of a file, whole and in pieces."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av

from services.domain.capture import MediaPlan
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.pictures.tap_clock import TAP_AHEAD_SECONDS
from tests.media import run

_NOTHING_ELSE = MediaPlan(recording_seconds=None, segment_seconds=None)


@dataclass(frozen=True, slots=True)
class TapPacket:
    """One packet: where its payload lies in the tap (bytes), when it is shown (s)."""

    begin: int
    end: int
    pts: float
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class Tapped:
    """A tap's bytes with the places of its packets, in the order in which they arrive."""

    body: bytes
    packets: tuple[TapPacket, ...]

    @property
    def keyframes(self) -> list[TapPacket]:
        return [packet for packet in self.packets if packet.is_keyframe]

    def upto(self, packet: TapPacket) -> bytes:
        """Give all that has come when this packet is whole."""
        return self.body[: packet.end]

    def pieces(self) -> list[tuple[float, bytes]]:
        """Give what comes with each packet, the header with the first, beside the packet's PTS."""
        begins = [0, *(packet.end for packet in self.packets[:-1])]
        ends = [*(packet.end for packet in self.packets[:-1]), len(self.body)]
        return [
            (packet.pts, self.body[begin:end])
            for packet, begin, end in zip(self.packets, begins, ends, strict=True)
        ]  # fmt: skip

    def spoiled(self, packet: TapPacket) -> bytes:
        """Give the whole tap with this packet's payload overwritten."""
        return self.body[: packet.begin] + bytes(packet.end - packet.begin) + self.body[packet.end :]


def tapped(source: Path, tap: Tap = Tap.ALL) -> Tapped:
    """Tap a file, as fast as it goes."""
    with TemporaryDirectory() as folder:
        body = run([*ffmpeg_arguments.capture(str(source), _NOTHING_ELSE, Path(folder), tap=tap, lists={})])
    with av.open(io.BytesIO(body), mode="r", format="nut") as container:
        packets = tuple(
            TapPacket(
                packet.pos or 0,
                (packet.pos or 0) + packet.size,
                float((packet.pts or 0) * (packet.time_base or Fraction(1))) - TAP_AHEAD_SECONDS,
                packet.is_keyframe,
            )
            for packet in container.demux()
            if packet.size
        )
    return Tapped(body, packets)
