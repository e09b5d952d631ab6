"""Takes one source and publishes it until either ends: `python -m services.puller.remux`, a process of its own.

It reads a stranger's stream, so it is in a sandbox and knows nothing but what the first line of its standard input says
(an Order, as JSON); where that names no address, the stream itself follows on standard input. It tells what happens in
lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import av
import av.logging
import av.subtitles.stream  # loaded with the first container else, and then no file can be opened
from av.error import ArgumentError, ExitError, FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Stream

from services.puller.gateway_place import GatewayPlace, resolved
from services.puller.order import Order
from services.puller.pace import Pace
from services.puller.publication import GatewayClosed, Publication
from services.puller.streams import Streams, Unsupported, choose
from services.puller.timeline import SECOND, Timeline
from services.runtime.sandbox.confinement import confine_carrier

OPEN_SECONDS = 10.0
SILENT_SECONDS = 6.0
KEYFRAME_SECONDS = 10.0
"""How long to wait for a keyframe to begin with; a stream that refreshes its picture in another way has none."""
MEMORY_BYTES = 2 << 30


class _Input:
    """Standard input as PyAV reads it: what is there, not as much as was asked for."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - a BufferedReader
        self._stream = stream

    def read(self, size: int) -> bytes:
        return bytes(self._stream.read1(size))


def tell(event: str, **fields: object) -> None:
    """Write a line to who started this."""
    print(json.dumps({"event": event, **fields}), flush=True)  # noqa: T201 - the line is the answer


@dataclass(slots=True)
class Remux:
    """Carries packets over; `is_paced` where they come in lumps."""

    streams: Streams
    publication: Publication
    is_paced: bool
    _line: Timeline = field(default_factory=Timeline)
    _pace: Pace = field(default_factory=Pace)
    _began: float = field(default_factory=time.monotonic)
    _is_running: bool = False
    _told_at: float = 0.0

    def take(self, packet: Packet[Stream]) -> None:
        """Publish a packet when it is due."""
        given = packet.dts if packet.dts is not None else packet.pts
        if given is None or not packet.size or not self._is_wanted(packet):
            return
        now = time.monotonic()
        raw = int(given * packet.time_base * SECOND)
        dts = self._line.place(packet.stream.index, raw, int(now * SECOND))
        if dts is None:
            return
        shown = dts if packet.pts is None else dts + int((packet.pts - given) * packet.time_base * SECOND)
        if self.is_paced:
            time.sleep(self._pace.wait(dts / SECOND, now))
        self.publication.take(packet, dts, max(shown, dts))
        if now - self._told_at >= 1:
            self._told_at = now
            tell("running", seconds=round(dts / SECOND, 1), jumps=self._line.jumps)

    def _is_wanted(self, packet: Packet[Stream]) -> bool:
        """Say whether it has begun: with a keyframe, where there is video."""
        if not self._is_running:
            has_waited = time.monotonic() - self._began > KEYFRAME_SECONDS
            is_first = packet.stream.type == "video" and packet.is_keyframe
            self._is_running = self.streams.video is None or is_first or has_waited
        return self._is_running


def run(order: Order, gateway: GatewayPlace, stdin: BinaryIO) -> None:
    """Carry a source over until it ends; raise what ends it."""
    place: Any = _Input(stdin) if order.source is None else order.source
    timeout = None if order.source is None else (OPEN_SECONDS, SILENT_SECONDS)
    with av.open(place, options=order.options, timeout=timeout) as source:
        streams = choose(source)
        with contextlib.closing(Publication(gateway, streams)) as publication:
            tell("opened", streams=streams.told())
            remux = Remux(streams, publication, is_paced=order.source is None)
            for packet in source.demux([each for each in (streams.video, streams.audio) if each is not None]):
                remux.take(packet)


def main() -> None:
    """Do as the first line says, and tell why it is over."""
    av.logging.set_level(None)  # its words hold addresses
    order = Order.read(sys.stdin.buffer.readline())
    try:
        gateway = resolved(order.publish)
    except OSError:
        tell("over", cause="gateway", detail="its name is not known")
        return
    source_port = None if order.source is None else urlsplit(order.source).port
    confine_carrier([port for port in (gateway.port, source_port) if port], memory_bytes=MEMORY_BYTES)
    try:
        run(order, gateway, sys.stdin.buffer)
    except Unsupported as error:
        tell("over", cause="unsupported", detail=str(error))
    except GatewayClosed as error:
        tell("over", cause="gateway", detail=str(error))
    except ExitError:
        tell("over", cause="source", detail=f"nothing came from it for {SILENT_SECONDS:g} s")
    except (InvalidDataError, ArgumentError):  # no container that may be read: the library's words are for programmers
        tell("over", cause="source", detail="it is no media that can be read")
    except FFmpegError as error:
        tell("over", cause="source", detail=(error.strerror or "it cannot be read").lower())
    else:
        tell("over", cause="ended", detail="it ended")


if __name__ == "__main__":
    main()
