"""Decodes single pictures out of a stream of packets, with one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import av
from av.codec.context import Flags
from av.packet import Packet
from av.stream import Stream

from services.worker.pictures.picture_schedule import Look

PENDING_PACKETS = 4096
DECODED_AT_ONCE = 512


def opened(name: str) -> av.VideoCodecContext:
    """Open a decoder with one thread."""
    context = av.VideoCodecContext.create(name, "r")
    assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - the name is a video codec's
    context.thread_count = 1
    return context


class StillDecoder:
    """Decodes a lone keyframe at once, or goes on from packet to packet where a tap carries all.

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
        if self.all_packets:
            self._keep(packet)
        if look is Look.DECODE_KEYFRAME:
            yield from ((pts, frame) for frame in self.still(packet))
        elif look is Look.DECODE_UP_TO_HERE and self.all_packets:
            yield from self.newest()

    def still(self, keyframe: Packet[Stream]) -> Iterator[av.VideoFrame]:
        """Give a keyframe's picture, if it is one by itself."""
        self._still = self._still or self._open()
        pictures = [*self._still.decode(keyframe), *self._still.decode(None)]
        self._still.flush_buffers()
        yield from pictures[-1:]

    def newest(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decode what lies between the last decoded packet and the newest; the newest picture out is the one."""
        running = self._running = self._running or self._open()
        newest: deque[av.VideoFrame] = deque(maxlen=1)
        for pending in self._pending:
            self._alive()
            newest.extend(running.decode(pending))
        self._pending = []
        for frame in newest:
            yield frame.time, frame

    def reset(self) -> None:
        """Forget everything up to the next keyframe, after a packet that could not be decoded."""
        self._pending, self._running, self._still, self._has_keyframe = [], None, None, self._anywhere

    def _keep(self, packet: Packet[Stream]) -> None:
        """Keep a packet for when a picture is wanted that needs it."""
        if packet.is_keyframe:
            self._pending, self._running, self._has_keyframe = [packet], None, True
        elif self._has_keyframe and len(self._pending) < PENDING_PACKETS:
            self._pending.append(packet)
            if self._anywhere and len(self._pending) == DECODED_AT_ONCE:
                deque(self.newest(), maxlen=0)  # no keyframe will come to begin anew with

    def _open(self) -> av.VideoCodecContext:
        template = self._template
        assert template is not None  # noqa: S101 - who asks knows that there is video
        context = opened(template.name)
        context.extradata = template.extradata
        if self._anywhere:
            context.flags |= Flags.output_corrupt
        return context
