"""Finds one frame in a stream or a file, and decodes no more than leads to it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Literal

import av
import av.subtitles.stream  # loaded with the first container else, and then no file can be opened
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

PIXELS_MAX = 8192 * 4320
PENDING_PACKETS = 4096
BLIND_PACKETS = 250  # with no keyframe among so many, the stream has none: it is decoded from anywhere
READ_BYTES = 256 * 1024
_ROUNDING = 0.001  # seconds
_BACK_SECONDS = (0, 4, 12, 40)
"""How far before the moment reading begins: a container without an index of keyframes is entered anywhere."""
_FORMATS = "mpegts,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,live_flv,nut,avi,mpeg,mpegvideo,h264,hevc,ogg"
_VIDEO = "h264,hevc,av1,libdav1d,vp8,vp9,mpeg4,mpeg2video,mpeg1video,flv,mjpeg,theora,vc1,msmpeg4v3,h263"
_SOUND = "aac,mp3,mp3float,ac3,eac3,opus,vorbis,flac"
_OPTIONS = {
    # Others are the reader of playlists, of lists of files, of devices: nothing of what a source names is opened.
    "format_whitelist": _FORMATS,
    "codec_whitelist": f"{_VIDEO},{_SOUND}",
    "protocol_whitelist": "",
    "fpsprobesize": "0",
    "analyzeduration": "1000000",
    "probesize": "2000000",
}


@dataclass(frozen=True, slots=True)
class Picked:
    """A frame, and where it was: seconds after the first picture."""

    frame: av.VideoFrame
    offset: float


class Beyond(Exception):
    """What was asked for comes after the end; `seconds` is how long the source is."""

    def __init__(self, seconds: float) -> None:
        """Say how long it is."""
        super().__init__(seconds)
        self.seconds = seconds


def pick_from_stream(source: BinaryIO, offset: float | None) -> Picked:
    """Give the frame `offset` seconds after the first, or the last keyframe before the stream's end."""
    container = av.open(_Stream(source), "r", options=_OPTIONS, buffer_size=READ_BYTES)
    video = _video(container)
    if offset is None:
        return _last_keyframe(container, video)
    return _at(container, video, offset)


def pick_from_file(source: Any, at: float | Literal["random"] | None) -> Picked:  # noqa: ANN401 - a file's likeness
    """Give the frame that is shown `at` seconds, its first without."""
    container = av.open(source, "r", options=_OPTIONS, buffer_size=READ_BYTES)
    video = _video(container)
    seconds = (container.duration or 0) / av.time_base
    offset = random.SystemRandom().uniform(0, seconds) if at == "random" else at or 0.0
    if seconds and offset >= seconds:
        raise Beyond(seconds)
    start = (container.start_time or 0) / av.time_base
    if not offset:
        return _at(container, video, 0.0, first=start)
    for back in _BACK_SECONDS:
        container.seek(int(max(start, start + offset - back) * av.time_base))
        picked = _tried(container, video, offset, start)
        if picked is not None and picked.offset <= offset + _ROUNDING:
            return picked
        video.codec_context.flush_buffers()
    container.seek(int(start * av.time_base))
    return _at(container, video, offset, first=start)


def _tried(container: InputContainer, video: VideoStream, offset: float, start: float) -> Picked | None:
    try:
        return _at(container, video, offset, first=start)
    except ValueError:
        return None


class _Stream:
    """What comes, as it comes: a file whose `read` waited for all it was asked for would wait for a live stream."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def read(self, size: int) -> bytes:
        """Give what there is."""
        found: bytes = self._source.read1(size)  # type: ignore[attr-defined] # standard input is a BufferedReader
        return found


def _video(container: InputContainer) -> VideoStream:
    found = container.streams.best("video")
    if not isinstance(found, VideoStream):
        raise ValueError("it holds no video")  # noqa: TRY004 - what a stranger sent
    context = found.codec_context
    if context.width * context.height > PIXELS_MAX:
        raise ValueError("its pictures are too large")
    context.thread_count = 1
    return found


def _last_keyframe(container: InputContainer, video: VideoStream) -> Picked:
    first: float | None = None
    last: Packet[VideoStream] | None = None
    for packet in _packets(container, video):
        first = _time(packet) if first is None else first
        last = packet if packet.is_keyframe or last is None else last
    return _picked([] if last is None else [last], container, video, first or 0.0, float("inf"))


def _at(container: InputContainer, video: VideoStream, offset: float, first: float | None = None) -> Picked:
    pending: list[Packet[VideoStream]] = []
    for packet in _packets(container, video):
        moment = _time(packet)
        first = moment if first is None else first
        if packet.is_keyframe and moment - first <= offset:
            pending = []
        pending.append(packet)
        decoded_at = _seconds(packet.pts or 0 if packet.dts is None else packet.dts, packet)
        if offset == 0 or decoded_at - first > offset or len(pending) >= PENDING_PACKETS:
            break
    begin = first or 0.0
    return _picked(pending, container, video, begin, begin + offset + _ROUNDING)


def _picked(
    packets: list[Packet[VideoStream]], container: InputContainer, video: VideoStream, begin: float, until: float
) -> Picked:
    """Decode these packets; where a keyframe alone gives nothing, a refresh begins with it: decode on."""
    frame = _shown(video, [*packets, None], until)
    if frame is None and packets:
        video.codec_context.flush_buffers()
        frame = _shown(video, chain(packets, container.demux(video)), begin)
    if frame is None:
        raise ValueError("it holds no picture that can be decoded")
    return Picked(frame, max(0.0, _moment(frame, video, begin) - begin))


def _shown(video: VideoStream, packets: Iterable[Packet[VideoStream] | None], until: float) -> av.VideoFrame | None:
    """Give the last frame that is shown up to `until`, else the first; only one is held at a time."""
    found: av.VideoFrame | None = None
    for packet in packets:
        try:
            frames = video.codec_context.decode(packet)
        except av.InvalidDataError:
            continue
        for frame in frames:
            if not isinstance(frame, av.VideoFrame):
                continue
            if found is not None and _moment(frame, video, until) > until:
                return found
            found = frame
    return found


def _packets(container: InputContainer, video: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Give the video's packets from the first keyframe on."""
    has_keyframe, passed = False, 0
    for packet in container.demux(video):
        if packet.pts is None:
            continue
        has_keyframe = has_keyframe or packet.is_keyframe
        passed += 1
        if has_keyframe or passed > BLIND_PACKETS:
            yield packet


def _moment(frame: av.VideoFrame, video: VideoStream, otherwise: float) -> float:
    """Give when a frame is shown, in seconds; frames that come when a decoder is drained do not know their tick."""
    return otherwise if frame.pts is None or video.time_base is None else float(frame.pts * video.time_base)


def _time(packet: Packet[VideoStream]) -> float:
    return _seconds(packet.pts or 0, packet)


def _seconds(ticks: int, packet: Packet[VideoStream]) -> float:
    return float(ticks * packet.time_base) if packet.time_base else 0.0
