"""ffmpeg's command lines, built with ffmpeg-python: pure functions of what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import ffmpeg

from services.domain.capture import MediaPlan
from services.worker.pictures.tail_files import RING_FILES, RING_PATTERN, RING_SECONDS, SEGMENT_PATTERN
from services.worker.pictures.tap_clock import TAP_AHEAD_SECONDS

IDLE_SECONDS = 8
"""How long a pull may get nothing before ffmpeg gives up: a silent publisher, or nobody there yet."""
PROBE_MICROSECONDS = 1_000_000
"""Long enough to find the sound; shorter loses it silently, and the default costs seconds."""
PATIENT_MICROSECONDS = 600_000_000
PATIENT_BYTES = 1 << 30
"""How far into a file of ours to look for its video: a worker that joins inside a long GOP has sound alone at first."""
JUMP_SECONDS = 86_400
"""Timestamps that go back, as after an encoder's restart behind a relay, ffmpeg carries on by itself. Forward it does
that from here on, far beyond any time that a stream of sound or pictures may pause: it cannot tell the two apart."""
_LIVE = {"f": "live_flv", "dts_delta_threshold": JUMP_SECONDS}
FRAGMENT_MICROSECONDS = 1_000_000
TICK_SECONDS = 0.001  # publishers count milliseconds
HALF_TICK_SECONDS = TICK_SECONDS / 2
CLOCK_PACKETS = 100
"""So many packets the tap passes at first: all of what ffmpeg held back while it probed, since the newest of them tells
the time, and a run has but one clock."""
CLOCK_EVERY_PACKETS = 11
"""Besides keyframes it passes so few later: enough to tell that media still arrives and when. Each one wakes the worker
and its picture child: at every fifth the two cost half as much again. A prime, so that where P- and B-frames take turns
those that pass do, too."""

_PROGRAM = ["setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "level+warning"]
RECORDING_PATTERN = "recording-%09d.mp4"
PIECE_PATTERN = "piece-%03d.ts"


class Tap(StrEnum):
    """What the pipe to the picture child carries."""

    KEYFRAMES = "keyframes"  # and a few packets for the clock
    ALL = "all"  # every video packet, of a stream without keyframes
    SOUND = "sound"  # of a stream without video: its clock


_KEYFRAMES = {"bsf:v": rf"noise=drop=not(key)*gte(n\,{CLOCK_PACKETS})*mod(n\,{CLOCK_EVERY_PACKETS})"}
_RUN_CLOCK = {"avoid_negative_ts": "disabled"}
"""Left to itself ffmpeg moves each output on by what its own first packet is short of 0, some frames with B-frames:
what it says of files and what the tap says would be of different clocks."""
# Version 4 of NUT carries a new description of the video where it changes; what comes before the first keyframe tells
# that media arrives.
_NUT = {
    "f": "nut", "strict": "experimental", "syncpoints": "timestamped", "flush_packets": 1, "copyinkf": None,
    "output_ts_offset": TAP_AHEAD_SECONDS, **_RUN_CLOCK,
}  # fmt: skip
# One muxer for the whole part, so that continuity counters run on across files. Each frame is in the file at once, says
# how long it is, and is of the run's clock in the file too: the picture child reads behind.
_TRANSPORT_STREAM = {
    "c": "copy", "f": "segment", "segment_format": "mpegts", "individual_header_trailer": 0,
    "segment_format_options": "flush_packets=1:omit_video_pes_length=0:avoid_negative_ts=disabled", **_RUN_CLOCK,
}  # fmt: skip
_TAPS: dict[Tap, tuple[tuple[str, ...], dict[str, str]]] = {
    Tap.KEYFRAMES: (("v:0",), _KEYFRAMES),
    Tap.ALL: (("v:0",), {}),
    # Video that has come meanwhile shows here, so that the run can be replaced by one that takes its pictures.
    Tap.SOUND: (("v:0?", "a:0"), {**_KEYFRAMES, "bsf:a": r"noise=drop=mod(n\,20)"}),
}


def _annexb(freq: str) -> dict[str, str]:
    """Give the filter for MPEG-TS; what describes the video is repeated before keyframes, or before `all` packets.

    Not the muxer's own, which ends everything at a packet that cannot be read; and some keyframes are none to a player:
    where a refresh begins.
    """
    return {"bsf:v": f"h264_mp4toannexb,dump_extra=freq={freq}"}


def _ring(pull: ffmpeg.nodes.FilterableStream, folder: Path) -> ffmpeg.nodes.OutputStream:
    """Give the output for the newest frames, which no list names and nobody ships."""
    return ffmpeg.output(
        pull["v:0"],
        str(folder / RING_PATTERN),
        segment_time=RING_SECONDS,
        segment_wrap=RING_FILES,
        **_TRANSPORT_STREAM,
        **_annexb("keyframe"),
    )


def capture(
    source: str, media: MediaPlan, folder: Path, *, tap: Tap | None, lists: dict[str, int], ring: bool = False
) -> list[str]:
    """Give the argv of a capture: one pull, stream copy into every output, the tap on standard output.

    With `ring` the newest frames lie in a few files that are written over again. Without a `tap` the source is a file
    of ours, whose timestamps stay as they are.

    `lists` has the file descriptors for the lines `name,start,end` that ffmpeg writes when it closes a file:
    `recording` and `segment`. `source` carries the session's pull token.
    """
    live = {**(_LIVE if source.startswith("rtmp") else {}), "rw_timeout": IDLE_SECONDS * 1_000_000}
    own = {"copyts": None, "probesize": PATIENT_BYTES}
    pull = ffmpeg.input(source, **(own if tap is None else live), fpsprobesize=0, analyzeduration=PROBE_MICROSECONDS)
    media_streams = (pull["v:0?"], pull["a:0?"])
    # A stream without keyframes is taken up and cut at any packet.
    anywhere = {"break_non_keyframes": 1, "copyinkf": None} if media.cuts_anywhere else {}
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
                **_RUN_CLOCK,
                **anywhere,
            )
        )
    if media.segment_seconds is not None:
        outputs.append(
            ffmpeg.output(
                *media_streams,
                str(folder / SEGMENT_PATTERN),
                segment_time=media.segment_seconds,
                segment_list=f"pipe:{lists['segment']}",
                segment_list_type="csv",
                **_TRANSPORT_STREAM,
                **_annexb("all" if media.cuts_anywhere else "keyframe"),
                **anywhere,
            )
        )
    if ring:
        outputs.append(_ring(pull, folder))
    if tap is not None:
        streams, options = _TAPS[tap]
        outputs.append(ffmpeg.output(*(pull[stream] for stream in streams), "pipe:1", c="copy", **_NUT, **options))
    argv: list[str] = ffmpeg.merge_outputs(*outputs).compile(cmd=_PROGRAM)
    return argv


def remux(source: Path, target: Path) -> list[str]:
    """Give the argv that turns a fragmented MP4 into an ordinary one, moov in front, beginning at 0."""
    outputs = ffmpeg.input(str(source)).output(
        str(target), map=0, c="copy", copyinkf=None, f="mp4", movflags="+faststart", avoid_negative_ts="make_zero"
    )
    argv: list[str] = outputs.compile(cmd=_PROGRAM, overwrite_output=True)
    return argv


def split(source: Path, folder: Path, cuts: Sequence[int], *, reference: str, streams: int | str = 0) -> list[str]:
    """Give the argv that cuts a segment before these packets, keyframe or not; lines on standard output.

    Timestamps are kept, so that the pieces play on from the segment before them. `reference` is the stream whose
    packets are counted: sound where there is some, since video may have a hole. `streams` are those to keep, as
    ffmpeg's map. Times to cut at mean one thing to ffmpeg 5 and another to 7 (from the first packet on).
    """
    outputs = _input(source).output(
        str(folder / PIECE_PATTERN),
        map=streams,
        c="copy",
        copyinkf=None,
        # A piece that begins off-keyframe says what its video is, so that a player that begins with it can go on.
        **{"bsf:v": "dump_extra=freq=all"},
        f="segment",
        segment_frames=",".join(map(str, cuts)),
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


def cut(source: Path, target: Path, *, since: float | None, until: float | None, early: float = 0.0) -> list[str]:
    """Give the argv that copies what is to be decoded from `since` to `until` (DTS in the file, s), times as they are.

    Cut at a keyframe, each packet is on one side: a picture that is shown before the keyframe and decoded after it is
    of the keyframe's side. The first picture is put right where it stands `early` (s).
    """
    picture = _outside(_moved(since, -HALF_TICK_SECONDS), _moved(until, -HALF_TICK_SECONDS))
    # ffmpeg tells the time of sound to within a millisecond: of what is as near to the cut both sides keep a packet,
    # for 20 ms twice are better than 20 ms lost.
    sound = _outside(_moved(since, -TICK_SECONDS), _moved(until, TICK_SECONDS))
    late = {name: f"if(eq(N,0),{name.upper()}+{early:.6f}/TB,{name.upper()})" for name in ("pts", "dts")}
    bitstream = {"bsf:v": f"{_filter('setts', **late)},{picture}" if early else picture, "bsf:a": sound}
    container = {"f": "mp4"} if source.suffix == ".mp4" else {"f": "mpegts", "mpegts_copyts": 1}
    outputs = _input(source).output(
        str(target), map=0, c="copy", copyts=None, muxdelay=0, muxpreload=0, **bitstream, **container
    )
    argv: list[str] = outputs.compile(cmd=_PROGRAM, overwrite_output=True)
    return argv


def _input(source: Path) -> ffmpeg.nodes.FilterableStream:
    """Give a file of ours as an input."""
    form = {} if (name := _form(source)) is None else {"f": name}
    return ffmpeg.input(str(source), analyzeduration=PATIENT_MICROSECONDS, probesize=PATIENT_BYTES, **form)


def _moved(edge: float | None, by: float) -> float | None:
    return None if edge is None else edge + by


def _outside(since: float | None, until: float | None) -> str:
    """Give the bitstream filter that drops what lies before `since` and from `until` on (DTS, s)."""
    edges = [f"lt(dts*tb,{since:.6f})"] if since is not None else []
    edges += [f"gte(dts*tb,{until:.6f})"] if until is not None else []
    return _filter("noise", drop="+".join(edges))


def _filter(name: str, **options: str) -> str:
    """Spell a bitstream filter; commas inside would begin the next one."""
    return f"{name}=" + ":".join(f"{option}={value}" for option, value in options.items()).replace(",", r"\,")


def packets(source: Path, *, first: int | None = None, stream: str = "v:0") -> list[str]:
    """Give the argv that prints the times and flags of a stream's packets, or of its `first` few, as JSON."""
    interval = [] if first is None else ["-read_intervals", f"%+#{first}"]
    return _shown(source, *interval, "-select_streams", stream, "-show_entries", "packet=pts_time,dts_time,flags")


_SHOWN = "codec_type,codec_name,width,height,sample_rate,channels,start_time,duration"


def probe(source: Path) -> list[str]:
    """Give the argv that prints a file's streams and length as JSON."""
    return _shown(source, "-show_entries", f"format=format_name,start_time,duration:stream={_SHOWN}")


def _shown(source: Path, *what: str) -> list[str]:
    """Give the argv that prints what is in a file of ours as JSON."""
    form = [] if (name := _form(source)) is None else ["-f", name]
    return [
        "ffprobe", "-v", "error", "-of", "json",
        "-analyzeduration", str(PATIENT_MICROSECONDS), "-probesize", str(PATIENT_BYTES),
        *what, *form, str(source),
    ]  # fmt: skip


def _form(source: Path) -> str | None:
    """Name the container where FFmpeg would guess, and guess wrong of a segment of a few packets."""
    return "mpegts" if source.suffix == ".ts" else None
