"""The video of an MPEG-TS file as our own ffmpeg writes it, taken apart while the file grows (ISO/IEC 13818-1).

A reader of files would hold each frame back until the next one begins. Here a frame is whole as soon as its length says
so, or anything else of a stream comes after it, since ffmpeg writes one frame after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PACKET_BYTES = 188
TICKS_PER_SECOND = 90_000
WRAP = 1 << 33
"""PTS begin anew at so many ticks."""
MUX_DELAY_TICKS = 126_000
"""ffmpeg's muxer sets everything 1.4 s forward: twice its default `muxdelay`."""
_VIDEO_IDS = range(0xE0, 0xF0)
_PES_START = b"\x00\x00\x01"
_UNIT_STARTS = re.compile(rb"[\x40-\x7f]")  # payload_unit_start_indicator, in a packet's second byte


class NotInStep(ValueError):
    """The bytes do not go on where those before them ended: the file was written anew, or is none of ours."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One coded frame (Annex B); `pts` in ticks as the file has it."""

    data: bytes
    pts: int
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class _Start:
    """The beginning of a PES packet: what its header says, and where its payload begins in the TS packet."""

    pid: int
    is_video: bool
    is_keyframe: bool
    pts: int
    payload_at: int
    payload_bytes: int | None


def _start(packet: bytes) -> _Start | None:
    """Read a TS packet in which something begins, None where that is no PES packet with a PTS."""
    has_adaptation, at = packet[3] & 0x20, 4
    is_keyframe = False
    if has_adaptation:
        at = 5 + packet[4]
        is_keyframe = packet[4] > 0 and bool(packet[5] & 0x40)
    if packet[at : at + 3] != _PES_START or at + 14 > PACKET_BYTES or not packet[at + 7] & 0x80:
        return None
    length, header = packet[at + 4] << 8 | packet[at + 5], packet[at + 8]
    stamp = packet[at + 9 : at + 14]
    return _Start(
        pid=(packet[1] & 0x1F) << 8 | packet[2],
        is_video=packet[at + 3] in _VIDEO_IDS,
        is_keyframe=is_keyframe,
        pts=(stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | stamp[2] >> 1 << 15 | stamp[3] << 7 | stamp[4] >> 1,
        payload_at=at + 9 + header,
        payload_bytes=length - 3 - header if length else None,
    )


def _starts(data: bytes) -> list[int]:
    """Give the numbers of the TS packets in which something begins."""
    if data[::PACKET_BYTES].strip(b"\x47"):
        message = "no transport stream"
        raise NotInStep(message)
    return [match.start() for match in _UNIT_STARTS.finditer(data[1::PACKET_BYTES])]


def _payload(packet: bytes) -> bytes:
    if not packet[3] & 0x10:
        return b""
    return packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]


def keyframe_at(data: bytes, pts: int, tolerance: int) -> int | None:
    """Give where in whole TS packets the video's keyframe at `pts` begins; both in ticks, as the file has them."""
    for number in _starts(data):
        at = number * PACKET_BYTES
        start = _start(data[at : at + PACKET_BYTES])
        if start is not None and start.is_video and start.is_keyframe and _apart(start.pts, pts) <= tolerance:
            return at
    return None


def _apart(one: int, other: int) -> int:
    apart = (one - other) % WRAP
    return min(apart, WRAP - apart)


@dataclass(slots=True)
class Demuxer:
    """Puts the video's frames together from TS packets that come piece by piece, from a keyframe on."""

    _begun: _Start | None = None
    _parts: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _pid: int | None = None
    _counter: int | None = None

    def feed(self, data: bytes) -> list[Unit]:
        """Take whole TS packets; give the frames that are whole by now, or raise NotInStep."""
        units: list[Unit] = []
        begin = 0
        for number in [*_starts(data), len(data) // PACKET_BYTES]:
            at = number * PACKET_BYTES
            self._go_on(data[begin:at])
            begin = at
            start = _start(data[at : at + PACKET_BYTES]) if at < len(data) else None
            if start is not None or self._is_whole():
                units += self._taken()
            if start is not None and start.is_video:
                self._begun, self._pid = start, start.pid
                self._add(data[at : at + PACKET_BYTES], data[at + start.payload_at : at + PACKET_BYTES])
                begin += PACKET_BYTES
        if self._is_whole():
            units += self._taken()
        return units

    def _go_on(self, packets: bytes) -> None:
        """Take TS packets in which no PES packet begins."""
        if self._begun is None or self._pid is None:
            return
        high, low = self._pid >> 8, self._pid & 0xFF
        for at in range(0, len(packets), PACKET_BYTES):
            if packets[at + 2] == low and packets[at + 1] & 0x1F == high and packets[at + 3] & 0x10:
                packet = packets[at : at + PACKET_BYTES]
                self._add(packet, _payload(packet))

    def _add(self, packet: bytes, payload: bytes) -> None:
        counter = packet[3] & 0x0F
        if self._counter is not None and counter != (self._counter + 1) & 0x0F:
            message = "packets are missing"
            raise NotInStep(message)
        self._counter = counter
        self._parts.append(payload)
        self._bytes += len(payload)

    def _is_whole(self) -> bool:
        begun = self._begun
        return begun is not None and begun.payload_bytes is not None and self._bytes >= begun.payload_bytes

    def _taken(self) -> list[Unit]:
        begun, parts = self._begun, self._parts
        self._begun, self._parts, self._bytes = None, [], 0
        return [] if begun is None else [Unit(b"".join(parts), begun.pts, begun.is_keyframe)]
