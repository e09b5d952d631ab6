"""ffmpeg's command lines, built with ffmpeg-python: pure functions of what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import ffmpeg

from services.domain.capture import MediaPlan

IDLE_SECONDS = 8
"""How long a pull may get nothing before ffmpeg gives up: a silent publisher, or nobody there yet."""
PROBE_MICROSECONDS = 1_000_000
"""Long enough to find the sound; shorter loses it silently, and the default costs seconds."""
PATIENT_MICROSECONDS = 600_000_000
PATIENT_BYTES = 1 << 30
"""How far into a file of ours to look for its video: a worker that joins inside a long GOP has sound alone at first."""
FRAGMENT_MICROSECONDS = 1_000_000
CLOCK_EVERY_PACKETS = 5
"""Besides keyframes the tap passes every fifth packet: enough to tell when media arrives and that it still does."""

_PROGRAM = ["setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "level+warning"]
RECORDING_PATTERN = "recording-%09d.mp4"
SEGMENT_PATTERN = "segment-%09d.ts"
PIECE_PATTERN = "piece-%03d.ts"


class Tap(StrEnum):
    """What the pipe to the picture child carries."""

    KEYFRAMES = "keyframes"  # and a few packets for the clock
    ALL = "all"  # every video packet
    SOUND = "sound"  # of a stream without video: its clock


_KEYFRAMES = {"bsf:v": rf"noise=drop=not(key)*mod(n\,{CLOCK_EVERY_PACKETS})"}
_TAPS: dict[Tap, tuple[tuple[str, ...], dict[str, str]]] = {
    Tap.KEYFRAMES: (("v:0",), _KEYFRAMES),
    Tap.ALL: (("v:0",), {}),
    # Video that has come meanwhile shows here, so that the run can be replaced by one that takes its pictures.
    Tap.SOUND: (("v:0?", "a:0"), {**_KEYFRAMES, "bsf:a": r"noise=drop=mod(n\,20)"}),
}


def capture(source: str, media: MediaPlan, folder: Path, *, tap: Tap, lists: dict[str, int]) -> list[str]:
    """Give the argv of a capture: one pull, stream copy into every output, the tap on standard output.

    `lists` has the file descriptors for the lines `name,start,end` that ffmpeg writes when it closes a file:
    `recording` and `segment`. `source` carries the session's pull token.
    """
    pull = ffmpeg.input(
        source,
        rw_timeout=IDLE_SECONDS * 1_000_000,
        fpsprobesize=0,
        analyzeduration=PROBE_MICROSECONDS,
    )
    media_streams = (pull["v:0?"], pull["a:0?"])
    outputs = []
    if media.recording_seconds is not None:
        outputs.append(
            ffmpeg.output(
                *media_streams,
                str(folder / RECORDING_PATTERN),
                c="copy",
                f="segment",
                segment_time=media.recording_seconds,
                segment_format="mp4",
                # What a kill leaves is readable but for the last fragment.
                segment_format_options=(
                    "movflags=+frag_keyframe+empty_moov+default_base_moof:"
                    f"frag_duration={FRAGMENT_MICROSECONDS}:flush_packets=1"
                ),
                segment_list=f"pipe:{lists['recording']}",
                segment_list_type="csv",
            )
        )
    if media.segment_seconds is not None:
        outputs.append(
            ffmpeg.output(
                *media_streams,
                str(folder / SEGMENT_PATTERN),
                c="copy",
                f="segment",
                segment_time=media.segment_seconds,
                segment_format="mpegts",
                segment_format_options="flush_packets=1",
                # One muxer for the whole part, so that continuity counters run on across segments.
                individual_header_trailer=0,
                segment_list=f"pipe:{lists['segment']}",
                segment_list_type="csv",
            )
        )
    streams, options = _TAPS[tap]
    outputs.append(
        ffmpeg.output(*(pull[stream] for stream in streams), "pipe:1", c="copy", f="nut", flush_packets=1, **options)
    )
    argv: list[str] = ffmpeg.merge_outputs(*outputs).compile(cmd=_PROGRAM)
    return argv


def remux(source: Path, target: Path) -> list[str]:
    """Give the argv that turns a fragmented MP4 into an ordinary one, moov in front, beginning at 0."""
    outputs = ffmpeg.input(str(source)).output(
        str(target), map=0, c="copy", f="mp4", movflags="+faststart", avoid_negative_ts="make_zero"
    )
    argv: list[str] = outputs.compile(cmd=_PROGRAM, overwrite_output=True)
    return argv


def split(source: Path, folder: Path, cuts: Sequence[float], *, reference: str) -> list[str]:
    """Give the argv that cuts a segment at these PTS (s), keyframe or not; lines on standard output.

    Timestamps are kept, so that the pieces play on from the segment before them. `reference` is the stream that is cut
    by: sound where there is some, since video may have a hole.
    """
    outputs = ffmpeg.input(str(source), analyzeduration=PATIENT_MICROSECONDS, probesize=PATIENT_BYTES).output(
        str(folder / PIECE_PATTERN),
        map=0,
        c="copy",
        f="segment",
        segment_times=",".join(f"{cut:.3f}" for cut in cuts),
        segment_format="mpegts",
        segment_format_options="mpegts_copyts=1",
        break_non_keyframes=1,
        reference_stream=reference,
        individual_header_trailer=0,
        segment_list="pipe:1",
        segment_list_type="csv",
        copyts=None,
        muxdelay=0,
        muxpreload=0,
    )
    argv: list[str] = outputs.compile(cmd=_PROGRAM, overwrite_output=True)
    return argv


def probe(source: Path) -> list[str]:
    """Give the argv that prints a file's streams and length as JSON."""
    return [
        "ffprobe", "-v", "error", "-of", "json",
        "-analyzeduration", str(PATIENT_MICROSECONDS), "-probesize", str(PATIENT_BYTES),
        "-show_entries", "format=start_time,duration:stream=codec_type,codec_name,width,height,sample_rate,channels",
        str(source),
    ]  # fmt: skip
