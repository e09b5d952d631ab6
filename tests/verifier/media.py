"""What ffprobe and ffmpeg read in a file."""

from __future__ import annotations

import json
import subprocess
import tempfile
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.verifier.numbers import WORD_SHAPE, read_words

TIMEOUT_SECONDS = 300
TS_PACKET, TS_SYNC = 188, 0x47


@dataclass(slots=True)
class Probe:
    """A file's packets: times are seconds as the file has them; `frames` and `keyframes` are PTS in order."""

    error: str = ""
    codecs: dict[str, str] = field(default_factory=dict)
    width: int = 0
    height: int = 0
    frames: list[float] = field(default_factory=list)
    keyframes: list[float] = field(default_factory=list)
    starts_with_keyframe: bool = False
    start: float = 0.0
    end: float = 0.0

    @property
    def interval(self) -> float:
        """Give the usual distance of two frames (s), 0 without video."""
        steps = sorted(after - before for before, after in zip(self.frames, self.frames[1:], strict=False))
        return steps[len(steps) // 2] if steps else 0.0

    def origin(self, seconds: float) -> float:
        """Give the PTS of what a file listed with this length begins with: its first picture, or sound before it."""
        spans = self.spans()
        has_early_sound = abs(spans[0] - seconds) <= abs(spans[-1] - seconds)
        return self.start if has_early_sound or not self.frames else self.frames[0]

    def spans(self) -> list[float]:
        """Give what may be called the file's length (s): all its streams', its video's."""
        video = [self.frames[-1] - self.frames[0] + self.interval] if self.frames else []
        return [self.end - self.start, *video]


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture: its PTS (s) and the time in its clip that it shows (hundredths of a second)."""

    pts: float
    tick: int | None


def probe(path: Path) -> Probe:
    """Read a file's streams and packets, without decoding."""
    found, error = _ffprobe(path)
    return _probes(found, [0])[0] if found else Probe(error=error)


def probe_run(paths: Sequence[Path]) -> list[Probe]:
    """Read MPEG-TS files that follow one another, as one stream: ffprobe starts once."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        starts = joined(paths, whole)
        found, _ = _ffprobe(whole)
    if not found:
        return [probe(path) for path in paths]
    probes = _probes(found, starts)
    for path, each in zip(paths, probes, strict=True):
        each.error = each.error or _ts_fault(path.read_bytes())
    return probes


def joined(paths: Sequence[Path], whole: Path) -> list[int]:
    """Write files one after the other into `whole`, and give where each begins."""
    starts, at = [], 0
    with whole.open("wb") as sink:
        for path in paths:
            starts.append(at)
            at += sink.write(path.read_bytes())
    return starts


def _ts_fault(data: bytes) -> str:
    """Say what makes MPEG-TS that no player can begin with: lost synchronisation, or no program table in front."""
    if len(data) % TS_PACKET or any(byte != TS_SYNC for byte in data[::TS_PACKET]):
        return "it is no whole MPEG-TS packets"
    first = {int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF for at in range(0, 3 * TS_PACKET, TS_PACKET)}
    return "" if 0 in first else "there is no program table in front"


def _ffprobe(path: Path) -> tuple[dict[str, Any], str]:
    shown = "stream=index,codec_type,codec_name,width,height:"
    shown += "packet=stream_index,pts_time,dts_time,duration_time,flags,pos"
    # What it is ffprobe is not told: nobody tells that to who opens a segment by itself.
    argv = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", shown, str(path)]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    if done.returncode:
        return {}, done.stderr.decode(errors="replace").strip()[:300] or f"ffprobe exits {done.returncode}"
    return dict(json.loads(done.stdout)), ""


def _probes(found: dict[str, Any], starts: list[int]) -> list[Probe]:
    """Sort packets by the file that they are in: `starts` are the places where the files begin."""
    kinds = {stream["index"]: stream.get("codec_type", "?") for stream in found.get("streams", [])}
    packets: list[list[dict[str, Any]]] = [[] for _ in starts]
    last: dict[int, int] = {}
    for packet in found.get("packets", []):
        # Of sound that shares a packet of the transport with other sound the place is not told again.
        place = last[packet["stream_index"]] = int(packet.get("pos", last.get(packet["stream_index"], 0)))
        packets[max(0, bisect(starts, place) - 1)].append(packet)
    probes = [_probe(each, kinds) for each in packets]
    for each in probes:
        for stream in found["streams"]:
            each.codecs[stream.get("codec_type", "?")] = stream.get("codec_name", "?")
            if stream.get("codec_type") == "video":
                each.width, each.height = stream.get("width", 0), stream.get("height", 0)
    return probes


def _probe(packets: list[dict[str, Any]], kinds: dict[int, str]) -> Probe:
    result = Probe(error="" if packets else "there is no packet in it")
    starts, ends = [], []
    for packet in packets:
        pts = float(packet.get("pts_time", packet.get("dts_time", 0)))
        starts.append(pts)
        ends.append(pts + float(packet.get("duration_time", 0)))
        if kinds.get(packet["stream_index"]) == "video":
            is_key = packet["flags"].startswith("K")
            result.starts_with_keyframe = result.starts_with_keyframe or (is_key and not result.frames)
            result.frames.append(pts)
            result.keyframes += [pts] * is_key
    result.frames.sort()
    result.keyframes.sort()
    result.start, result.end = min(starts, default=0.0), max(ends, default=0.0)
    return result


def decode(paths: Sequence[Path]) -> tuple[list[Frame], str]:
    """Decode files as one stream, and give its frames in the order of their coming, and what ffmpeg complained of."""
    with tempfile.TemporaryDirectory() as folder:
        source, times = paths[0], Path(folder) / "times"
        if len(paths) > 1:
            source = Path(folder) / "whole"
            joined(paths, source)
        shape = f"scale={WORD_SHAPE}:flags=area,format=gray"
        kept = ["-map", "0:v:0", "-vf", shape, "-fps_mode", "passthrough", "-c:v", "rawvideo"]
        argv = [
            "ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", str(source), "-threads", "1",
            *kept, "-f", "rawvideo", "pipe:1", *kept, "-f", "framecrc", str(times),
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
        errors = done.stderr.decode(errors="replace").strip()
        stamps = _stamps(times.read_text()) if times.exists() else []
    words = read_words(done.stdout)
    return [Frame(pts, tick) for pts, tick in zip(stamps, words, strict=False)], errors


def _stamps(text: str) -> list[float]:
    """Read the PTS (s) of a framecrc file."""
    base, stamps = 1.0, []
    for line in text.splitlines():
        if line.startswith("#tb 0:"):
            above, _, below = line.partition(":")[2].strip().partition("/")
            base = int(above) / int(below)
        elif line and not line.startswith("#"):
            stamps.append(int(line.split(",")[2]) * base)
    return stamps


def complaints(paths: Sequence[Path]) -> str:
    """Decode files of sound alone, or pictures, and give what ffmpeg complains of."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(paths[0]), "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    return done.stderr.decode(errors="replace").strip()


def pictures(paths: Sequence[Path]) -> tuple[list[int | None], str]:
    """Decode JPEGs, and give the tick that each shows, and what ffmpeg complained of."""
    body = b"".join(path.read_bytes() for path in paths)
    shape = f"scale={WORD_SHAPE}:flags=area,format=gray"
    argv = ["ffmpeg", "-v", "error", "-f", "image2pipe", "-c:v", "mjpeg", "-i", "pipe:0", "-vf", shape]
    argv += ["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    done = subprocess.run(argv, input=body, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    return read_words(done.stdout), done.stderr.decode(errors="replace").strip()


def jpeg_size(path: Path) -> tuple[int, int]:
    """Read a JPEG's width and height from its frame header; (0, 0) if it has none."""
    data, at = path.read_bytes(), 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    return 0, 0
