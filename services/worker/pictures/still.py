"""Decodes single pictures out of a stream of packets, and encodes them as JPEG; one thread each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.codec.context import Flags
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType

from services.worker.pictures.picture_schedule import Look

PENDING_PACKETS = 4096
DECODED_AT_ONCE = 512
_TICK = Fraction(1, 1000)
QUALITY = "3"  # mjpeg's scale: 2 the best, 31 the worst


class StillDecoder:
    """Decodes a lone keyframe at once, or goes on from the last keyframe to the packet that is wanted.

    A decoder that is fed keyframes alone holds back as many pictures as the stream may reorder (2 with the
    usual settings), so it is drained after each one.
    """

    def __init__(
        self,
        template: av.VideoCodecContext | None,
        *,
        all_packets: bool,
        anywhere: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """Decode what `template` describes; without `all_packets` only keyframes can be decoded.

        With `anywhere` the stream has none: it is decoded from any packet on, and what is not whole is given too.
        `alive` is called while a decode goes on.
        """
        self._template = template
        self._anywhere = anywhere
        self._alive = alive
        self.all_packets = all_packets
        self._pending: list[Packet[Stream]] = []
        self._has_keyframe = anywhere  # what comes before one decodes to grey
        self._running: av.VideoCodecContext | None = None
        self._still: av.VideoCodecContext | None = None

    def frames(self, packet: Packet[Stream], pts: float, look: Look) -> Iterator[tuple[float, av.VideoFrame]]:
        """Give the picture that `look` asks for, if it can be had from this packet."""
        if self._template is None:
            return
        if look is Look.DECODE_KEYFRAME:
            self._begin_gop(packet)
            self._still = self._still or self._open()
            pictures = [*self._still.decode(packet), *self._still.decode(None)]
            self._still.flush_buffers()
            if pictures:
                yield pts, pictures[-1]
        elif self.all_packets:
            if packet.is_keyframe:
                self._begin_gop(packet)
            elif self._has_keyframe and len(self._pending) < PENDING_PACKETS:
                self._pending.append(packet)
                if self._anywhere and len(self._pending) == DECODED_AT_ONCE:
                    deque(self._newest(), maxlen=0)  # no keyframe will come to begin anew with
            if look is Look.DECODE_UP_TO_HERE:
                yield from self._newest()

    def reset(self) -> None:
        """Forget everything up to the next keyframe, after a packet that could not be decoded."""
        self._pending, self._running, self._still, self._has_keyframe = [], None, None, self._anywhere

    def _begin_gop(self, keyframe: Packet[Stream]) -> None:
        self._pending, self._running, self._has_keyframe = [keyframe], None, True

    def _newest(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decode what lies between the last decoded packet and this one; the newest picture out is the one."""
        running = self._running = self._running or self._open()
        newest: deque[av.VideoFrame] = deque(maxlen=1)
        for pending in self._pending:
            self._alive()
            newest.extend(running.decode(pending))
        self._pending = []
        for frame in newest:
            yield frame.time, frame

    def _open(self) -> av.VideoCodecContext:
        template = self._template
        assert template is not None  # noqa: S101 - frames() asked
        context = av.VideoCodecContext.create(template.name, "r")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - the name is a video codec's
        context.extradata = template.extradata
        context.thread_count = 1
        if self._anywhere:
            context.flags |= Flags.output_corrupt
        return context


class JpegEncoder:
    """Encodes frames as JPEGs in their own size."""

    def __init__(self) -> None:
        """Begin without an encoder: the first frame says the size."""
        self._context: av.VideoCodecContext | None = None
        self._count = 0

    def encode(self, frame: av.VideoFrame) -> bytes:
        """Give the JPEG of a frame."""
        context = self._context
        if context is None or (context.width, context.height) != (frame.width, frame.height):
            context = self._context = self._open(frame.width, frame.height)
        picture = frame.reformat(format="yuvj420p")
        # The encoder refuses a B-picture's mark, and times that do not grow.
        picture.pict_type = PictureType.NONE
        self._count += 1
        picture.time_base, picture.pts = _TICK, self._count
        return b"".join(bytes(packet) for packet in context.encode(picture))

    @staticmethod
    def _open(width: int, height: int) -> av.VideoCodecContext:
        context = av.VideoCodecContext.create("mjpeg", "w")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - mjpeg is a video codec
        context.width, context.height = width, height
        context.pix_fmt = "yuvj420p"
        context.time_base = _TICK
        context.thread_count = 1
        context.options = {"qmin": QUALITY, "qmax": QUALITY}
        return context
