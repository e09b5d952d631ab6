"""HLS media playlists as text, after RFC 8216; names are relative to the playlist's own place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.domain import times


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment of a playlist: `seconds` long, first shown at `program_date_time`.

    With `after_hole` what came before it was never stored, so that its timestamps do not go on from its neighbour's.
    """

    uri: str
    seconds: float
    program_date_time: datetime
    media_sequence: int
    discontinuity_sequence: int
    after_hole: bool = False


LONGEST_GOP_SECONDS = 30.5
"""A stream in which keyframes are further apart is cut between them."""


def target_duration(hls_time: float, first_segment_seconds: float) -> int:
    """Fix a session's EXT-X-TARGETDURATION (s) when its first segment is known.

    Segments end at the first keyframe after `hls_time`; half as much again is left for keyframes that
    come off the beat, and what is longer still is cut before it ships. A first segment that no keyframe ended says
    nothing of those to come.
    """
    if first_segment_seconds > LONGEST_GOP_SECONDS:
        first_segment_seconds = hls_time
    return max(1, round(max(1.5 * hls_time, first_segment_seconds) + 0.499))


def longest(target: int) -> float:
    """Give the length (s) that a segment may have under `target`: rounded, it must not exceed it (4.3.3.1)."""
    return target + 0.499


def render(
    segments: Sequence[Segment], *, target: int, ended: bool, whole: bool, sequence: tuple[int, int] = (0, 0)
) -> str:
    """Render a playlist of `segments`.

    `target` is the session's fixed EXT-X-TARGETDURATION; `ended` closes the list; `whole` says that it only grows
    (EVENT). `sequence` gives media and discontinuity sequence for a list with no segment.
    The discontinuity sequence of the first entry stands in the header, so no tag precedes that entry.
    """
    first_media, first_discontinuity = (
        (segments[0].media_sequence, segments[0].discontinuity_sequence) if segments else sequence
    )
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{target}",
        f"#EXT-X-MEDIA-SEQUENCE:{first_media}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first_discontinuity}",
    ]
    if whole:
        lines.append("#EXT-X-PLAYLIST-TYPE:EVENT")
    discontinuity = first_discontinuity
    for number, segment in enumerate(segments):
        # One tag for each part, those without a segment too: players count them to number the discontinuities (6.2.1).
        parts = segment.discontinuity_sequence - discontinuity
        lines += ["#EXT-X-DISCONTINUITY"] * (parts or int(segment.after_hole and number > 0))
        discontinuity = segment.discontinuity_sequence
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{times.text(segment.program_date_time)}")
        lines.append(f"#EXTINF:{segment.seconds:.3f},")
        lines.append(segment.uri)
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"
