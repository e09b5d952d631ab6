"""Which streams of a source are taken, and how they come into FLV."""

from __future__ import annotations

from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from services.domain.errors import StreamkeepError

VIDEO = "h264"
COPIED = "aac"


class Unsupported(StreamkeepError):
    """The source has nothing that can be taken."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The picture and the sound, one of which may be missing."""

    video: VideoStream | None
    audio: AudioStream | None

    @property
    def is_audio_copied(self) -> bool:
        """Say whether the sound comes into FLV as it is."""
        return self.audio is not None and self.audio.codec_context.name == COPIED

    def told(self) -> str:
        """Name them for a log."""
        video = f"{VIDEO} {self.video.width}x{self.video.height}" if self.video else "no video"
        return f"{video}, {self.audio.codec_context.name if self.audio else 'no sound'}"


def choose(source: InputContainer) -> Streams:
    """Choose the largest H.264 video and the first sound that can be read; raise Unsupported, saying what there is."""
    videos = [each for each in source.streams.video if _is_readable(each)]
    usable = [each for each in videos if each.codec_context.name == VIDEO]
    if videos and not usable:
        names = ", ".join(sorted({each.codec_context.name for each in videos}))
        raise Unsupported(f"its video is {names}; only H.264 can be captured")
    audio = next((each for each in source.streams.audio if _is_readable(each)), None)
    if not usable and audio is None:
        raise Unsupported("it holds neither video nor sound that can be read")
    return Streams(max(usable, key=lambda each: each.width * each.height, default=None), audio)


def _is_readable(stream: Stream) -> bool:
    """Say whether there is a decoder, whose absence PyAV's types do not know of."""
    context: object = stream.codec_context
    return context is not None
