"""What is published: an RTMP stream to our own gateway."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from services.domain.errors import StreamkeepError
from services.puller.gateway_place import GatewayPlace
from services.puller.sound import BIT_RATE, Sound, rate_of
from services.puller.streams import Streams

_MICROSECOND = Fraction(1, 1_000_000)
_AVCC = 1  # the first byte of H.264's description as FLV wants it; Annex B begins with 0
WRITE_SECONDS = 6.0


class GatewayClosed(StreamkeepError):
    """Our gateway did not let the stream in, or cut it."""


class Publication:
    """The outgoing stream: H.264 and AAC as they come, other sound encoded anew; times are microseconds."""

    def __init__(self, gateway: GatewayPlace, streams: Streams) -> None:
        """Publish to `gateway`; raise GatewayClosed."""
        try:
            self._out = av.open(
                gateway.url, "w", format="flv", options={"flvflags": "no_duration_filesize"}, timeout=WRITE_SECONDS
            )
            self._targets: dict[int, Stream] = {}
            self._sound: Sound | None = None
            self._filter: BitStreamFilterContext | None = None
            if streams.video is not None:
                self._targets[streams.video.index] = self._out.add_stream_from_template(streams.video, opaque=True)
                if (streams.video.codec_context.extradata or b"\0")[0] != _AVCC:
                    # A description inside the stream becomes one that FLV carries, also where it changes.
                    self._filter = BitStreamFilterContext("extract_extradata", streams.video)
            if streams.audio is not None and streams.is_audio_copied:
                self._targets[streams.audio.index] = self._out.add_stream_from_template(streams.audio, opaque=True)
            elif streams.audio is not None:
                target = self._out.add_stream("aac", rate=rate_of(streams.audio), layout="stereo", bit_rate=BIT_RATE)
                self._targets[streams.audio.index] = target
                self._sound = Sound(streams.audio, target)
            self._out.start_encoding()
        except FFmpegError as error:
            raise GatewayClosed from error

    def take(self, packet: Packet[Stream], dts: int, pts: int) -> None:
        """Publish a packet of one of the chosen streams; raise GatewayClosed."""
        target = self._targets[packet.stream.index]
        if self._sound is not None and isinstance(packet.stream, AudioStream):
            for made, when in self._sound.made_of(cast("Packet[AudioStream]", packet), dts):
                self._send(cast("Packet[Stream]", made), target, when, when)
            return
        packets = [packet] if self._filter is None or packet.stream.type != "video" else self._filter.filter(packet)
        for each in packets:
            self._send(each, target, dts, pts)

    def close(self) -> None:
        """Say goodbye, where anybody listens."""
        with contextlib.suppress(FFmpegError):
            self._out.close()

    def _send(self, packet: Packet[Stream], target: Stream, dts: int, pts: int) -> None:
        packet.stream, packet.time_base = target, _MICROSECOND
        packet.dts, packet.pts, packet.duration = dts, pts, 0
        try:
            self._out.mux_one(packet)
        except FFmpegError as error:
            raise GatewayClosed from error
