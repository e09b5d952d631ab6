"""A publisher for those who have no encoder at hand: a moving picture with a clock, and sound."""

from __future__ import annotations

from pathlib import Path

from services.domain.secrets import Secret
from services.local.program import Program, dies_with_parent

_FONTS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf"),
)
_SOUND = "sine=frequency=220:beep_factor=4:sample_rate=48000"
_FRAMES_PER_SECOND = 30
_KEYFRAME_FRAMES = str(2 * _FRAMES_PER_SECOND)


def picture_publisher(server: str, stream_key: str) -> Program:
    """Give the program that publishes to `server` until it is stopped; the key stays out of the log."""
    argv = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning"]
    argv += ["-re", "-f", "lavfi", "-i", _picture(), "-re", "-f", "lavfi", "-i", _SOUND]
    argv += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    argv += ["-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "3000k"]
    argv += ["-g", _KEYFRAME_FRAMES, "-keyint_min", _KEYFRAME_FRAMES, "-sc_threshold", "0"]
    argv += ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]
    argv += ["-f", "flv", "-flvflags", "no_duration_filesize", "-rw_timeout", "10000000", f"{server}/{stream_key}"]
    return Program(name="demo", argv=dies_with_parent("KILL", tuple(argv)), relayed=True, hidden=_parts_of(stream_key))


def _picture() -> str:
    """Give the moving picture; without a font its own counter must do for a clock."""
    picture = f"testsrc2=size=1280x720:rate={_FRAMES_PER_SECOND}"
    font = next((font for font in _FONTS if font.exists()), None)
    if font is None:
        return picture
    place = "x=(w-tw)/2:y=h-96:fontsize=48:fontcolor=white:box=1:boxborderw=12:boxcolor=black@0.6"
    return rf"{picture},drawtext=fontfile={font}:text='%{{gmtime\:%F %T}} UTC':{place}"


def _parts_of(stream_key: str) -> tuple[Secret, ...]:
    """Give the key and its signature, which a program may print without the rest."""
    _, _, query = stream_key.partition("?")
    _, _, signature = query.partition("=")
    return tuple(Secret(part) for part in (stream_key, query, signature) if part)
