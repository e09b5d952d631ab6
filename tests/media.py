"""Small streams for tests, made by ffmpeg once for each test session: 320x180, 25 frames a second, no two alike.

@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(tmp_path_factory.mktemp("media"))

media.file(Clip())                                  FLV: H.264 with B-frames, keyframes 2 s apart, AAC
media.file(Clip(codec="hevc", form="mp4"))
media.file(Clip(sound=False, seconds=12, gop_seconds=10))
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT, RATE = 320, 180, 25
THUMB_WIDTH, THUMB_HEIGHT = 32, 18

_CODECS = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:scenecut=0"],
    "flv1": ["-c:v", "flv1", "-q:v", "4"],
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "4", "-sc_threshold", "1000000000"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What a file holds: `codec` None is sound alone, `form` is ffmpeg's name of a container, times are seconds.

    `keyframes` are the times of those that come before the regular ones; the video begins `video_after` seconds after
    the sound.
    """

    codec: str | None = "h264"
    sound: bool = True
    seconds: float = 6
    gop_seconds: float = 2
    b_frames: int = 2
    keyframes: tuple[float, ...] = ()
    video_after: float = 0
    form: str = "flv"

    @property
    def name(self) -> str:
        """Give a file name that no other clip has."""
        sound = "sound" if self.sound else "silent"
        forced = f"-k{len(self.keyframes)}" if self.keyframes else ""
        forced += f"-after{self.video_after:g}" if self.video_after else ""
        return f"{self.codec}-{sound}-{self.seconds:g}s-gop{self.gop_seconds:g}s-b{self.b_frames}{forced}.{self.form}"


class Media:
    """A folder of clips: each is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, clip: Clip) -> Path:
        """Give the clip's file."""
        path = self._folder / clip.name
        if not path.exists():
            part = path.with_name(f"part-{path.name}")
            run(["ffmpeg", "-nostdin", "-y", "-v", "error", *_inputs(clip), *_encoders(clip), "-f", clip.form, part])
            part.rename(path)
        return path


def run(argv: list[str | Path]) -> bytes:
    """Run a program to its end, at most 30 s, and give its standard output."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30).stdout


def _inputs(clip: Clip) -> list[str]:
    inputs: list[str] = []
    if clip.codec is not None:
        # The hue turns once in 12 s, so that each frame can be told from all others of a clip.
        picture = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={clip.seconds},hue=H=2*PI*t/12"
        late = ["-itsoffset", str(clip.video_after)] if clip.video_after else []
        inputs += [*late, "-f", "lavfi", "-i", picture]
    if clip.sound or clip.codec is None:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={clip.seconds}"]
    return inputs


def _encoders(clip: Clip) -> list[str]:
    encoders = ["-c:a", "aac", "-b:a", "64k"]
    if clip.codec is not None:
        gop = str(round(clip.gop_seconds * RATE))
        shape = ["-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-bf", str(clip.b_frames)]
        encoders += [*_CODECS[clip.codec], *shape]
        if clip.keyframes:
            encoders += ["-force_key_frames", ",".join(str(moment) for moment in clip.keyframes)]
    return encoders


Thumb = bytes
"""A frame as RGB in THUMB_WIDTH x THUMB_HEIGHT."""


def thumbs(path: Path) -> list[Thumb]:
    """Give every frame of a video as ffmpeg decodes it, in order of presentation."""
    return _thumbs(["-i", str(path)], None)


def picture_thumbs(paths: list[Path]) -> list[Thumb]:
    """Give each of these JPEGs as ffmpeg decodes it."""
    return _thumbs(["-f", "image2pipe", "-c:v", "mjpeg", "-i", "pipe:0"], b"".join(path.read_bytes() for path in paths))


def _thumbs(source: list[str], body: bytes | None) -> list[Thumb]:
    scaled = ["-vf", f"scale={THUMB_WIDTH}:{THUMB_HEIGHT}:flags=area,format=rgb24", "-f", "rawvideo", "pipe:1"]
    argv = ["ffmpeg", "-v", "error", *source, "-map", "0:v:0", "-fps_mode", "passthrough", *scaled]
    raw = subprocess.run(argv, input=body or b"", capture_output=True, check=True, timeout=30).stdout
    size = THUMB_WIDTH * THUMB_HEIGHT * 3
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def difference(one: Thumb, other: Thumb) -> float:
    """Give the mean difference of two thumbs, 0 to 255."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def mean_colour(thumb: Thumb) -> tuple[float, float, float]:
    """Give the mean red, green and blue, 0 to 255."""
    pixels = len(thumb) // 3
    return sum(thumb[0::3]) / pixels, sum(thumb[1::3]) / pixels, sum(thumb[2::3]) / pixels


def nearest(thumb: Thumb, frames: list[Thumb]) -> int:
    """Give the number of the frame that looks most like this picture."""
    return min(range(len(frames)), key=lambda number: difference(thumb, frames[number]))
