"""Sound that FLV cannot carry as it is, made AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet

RATES = (44_100, 48_000)
BIT_RATE = 128_000
SLACK = Fraction(1, 5)
"""Seconds by which what was counted may differ from the source's own times before those are believed again."""
_SECOND = 1_000_000


def rate_of(stream: AudioStream) -> int:
    """Give the sample rate at which a stream is encoded."""
    return stream.rate if stream.rate in RATES else max(RATES)


class Sound:
    """Decodes, resamples and encodes one stream; samples are counted, so that the source's jitter is not passed on."""

    def __init__(self, source: AudioStream, target: AudioStream) -> None:
        """Encode what `source` brings into `target`, which is stereo and has its rate."""
        self._decoder: AudioCodecContext = source.codec_context
        self._encoder: AudioCodecContext = target.codec_context
        self._rate = rate_of(source)
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=self._rate, frame_size=1024)
        self._counted = 0
        self._origin: Fraction | None = None  # of sample 0, in seconds

    def made_of(self, packet: Packet[AudioStream], begins: int) -> Iterator[tuple[Packet[AudioStream], int]]:
        """Give the packets that a packet of the time `begins` completes, with their times; of a damaged one, none.

        Times are microseconds.
        """
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            return
        counted = Fraction(self._counted, self._rate)
        if self._origin is None or abs(self._origin + counted - Fraction(begins, _SECOND)) > SLACK:
            self._origin = Fraction(begins, _SECOND) - counted
        for frame in frames:
            frame.pts = None
            for piece in self._resampler.resample(frame):
                yield from self._encoded(piece, self._origin)

    def _encoded(self, piece: AudioFrame, origin: Fraction) -> Iterator[tuple[Packet[AudioStream], int]]:
        piece.pts, piece.time_base = self._counted, Fraction(1, self._rate)
        self._counted += piece.samples
        for packet in self._encoder.encode(piece):
            when = max(Fraction(0), origin + (packet.pts or 0) * packet.time_base)
            yield packet, int(when * _SECOND)
