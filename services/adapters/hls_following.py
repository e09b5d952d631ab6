"""Follows an HLS address as a player does: each segment once, in order, as long as there are more.

    for part in follow(HlsSource(http, url), stop=event):        # blocks; end it by setting `stop`
        if part.is_new_stream: ...                               # the first, after a discontinuity, or what was missed
        for piece in part.pieces: ffmpeg.stdin.write(piece)      # a new stream's init section first

A segment that fails raises while its pieces are read; asking for the next part then passes over it.

It ends at EXT-X-ENDLIST. Followed again with the `place` where it ended, it gives only what came since. It raises what
`HlsSource` raises as soon as the source has failed for `patience` seconds: whoever pulls for long calls it again.
Nothing is read ahead: a slow reader slows the fetching down.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed, TooSlow
from services.adapters.hls_place import Place
from services.adapters.hls_playlist import Media, Segment
from services.adapters.hls_source import HlsSource

PLAYLIST_SECONDS = 10.0
SEGMENT_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
RELOAD_MIN, RELOAD_MAX = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """One segment's bytes while they come; `is_new_stream`: they do not continue the ones before."""

    segment: Segment
    is_new_stream: bool
    pieces: Iterator[bytes]


def follow(
    source: HlsSource, *, stop: threading.Event, patience: float = PATIENCE_SECONDS, place: Place | None = None
) -> Iterator[Part]:
    """Give the segments of a stream that come after `place`, which goes along: a live one's from near its end on."""
    place = place or Place()
    last: Segment | None = None
    give_up = Deadline.after(patience)
    while not stop.is_set():
        try:
            media = source.media(Deadline.after(PLAYLIST_SECONDS))
        except FetchFailed:
            if give_up.is_over:
                raise
            stop.wait(RELOAD_MIN)
            continue
        due = [each for each in place.due(media, joins=last is None) if not each.is_gap]
        if due:
            give_up = Deadline.after(patience)
        elif media.is_live and give_up.is_over:
            raise TooSlow(f"its playlist has not grown for {patience:g} s")
        for segment in due:
            is_new = _is_new(segment, last)
            yield Part(segment, is_new, _pieces(source, segment, with_init=is_new))
            place.last = last = segment
            if stop.is_set():
                return
        if not media.is_live or stop.wait(_pause(media, grew=bool(due))):
            return


def _is_new(segment: Segment, last: Segment | None) -> bool:
    if last is None or segment.is_discontinuous:
        return True
    return segment.sequence != last.sequence + 1 or segment.init != last.init


def _pieces(source: HlsSource, segment: Segment, *, with_init: bool) -> Iterator[bytes]:
    deadline = Deadline.after(max(SEGMENT_SECONDS, 2 * segment.seconds))
    if segment.init is not None and with_init:
        yield source.init_of(segment.init, deadline)
    yield from source.media_of(segment, deadline)


def _pause(media: Media, *, grew: bool) -> float:
    """Give how long to wait before the next look: the target duration, half of it when nothing was new (6.3.4)."""
    target = media.target_seconds or RELOAD_MIN
    return min(max(target if grew else target / 2, RELOAD_MIN), RELOAD_MAX)
