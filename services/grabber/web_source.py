"""HTTP(S) addresses: an HLS playlist, a file that can be read in parts, or a stream that comes as it comes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.adapters.guarded_http import Answer, Body, GuardedHttp
from services.adapters.hls_playlist import Media, Segment
from services.adapters.hls_source import PLAYLIST_BYTES, HlsSource
from services.domain.errors import InvalidInput
from services.domain.grab import GrabOrder
from services.grabber.feed import Feed, File, Stream
from services.grabber.findings import Findings
from services.grabber.live_offset import live_offset
from services.grabber.remote_file import RemoteFile

STREAM_BYTES = 96 * 1024 * 1024
_HEADER = b"#EXTM3U"
_HEADER_WITHIN = 16  # bytes: a mark and blank lines may come before it


@contextmanager
def web_feed(http: GuardedHttp, order: GrabOrder, findings: Findings) -> Iterator[Feed]:
    """Give what is behind the address; it can be read while the block runs."""
    deadline = Deadline(order.deadline)
    with http.stream(order.source_url, deadline=deadline, max_bytes=1 << 62) as body:
        first = next(body.pieces, b"")
        if _HEADER in first[: len(_HEADER) + _HEADER_WITHIN]:
            playlist = Answer(body.status, body.headers, _whole(first, body, deadline), body.url)
        else:
            yield _file(http, body, first, order, findings)
            return
    source = HlsSource(http, order.source_url, width=order.width)
    yield _segment(source, source.media(deadline, first=playlist), order, findings)


def _whole(first: bytes, body: Body, deadline: Deadline) -> bytes:
    found = bytearray(first)
    for piece in body.pieces:
        found += piece
        if len(found) > PLAYLIST_BYTES or deadline.is_over:
            raise FetchFailed(f"its playlist has more than {PLAYLIST_BYTES} bytes")
    return bytes(found)


def _file(http: GuardedHttp, body: Body, first: bytes, order: GrabOrder, findings: Findings) -> Feed:
    declared = body.headers.get("content-length", "")
    is_plain = body.headers.get("content-encoding", "identity") == "identity"
    pieces = chain([first], body.pieces)
    if declared.isdecimal() and is_plain and body.headers.get("accept-ranges", "").lower() == "bytes":
        findings.add(f"a file of {declared} bytes")
        remote = RemoteFile(http, body.url, int(declared), Deadline(order.deadline))
        remote.begin_with(pieces)
        return File(remote=remote, at=order.at)
    findings.add("a stream over HTTP, or a file that cannot be read in parts")
    # What has an end can be read up to the picture.
    offset = order.at if declared and isinstance(order.at, float) else live_offset(order.at)
    return Stream(pieces=_at_most(pieces), offset=offset)


def _at_most(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > STREAM_BYTES:
            raise FetchFailed(f"there was no picture in {STREAM_BYTES} bytes")
        yield piece


def _segment(source: HlsSource, media: Media, order: GrabOrder, findings: Findings) -> Feed:
    kind = "a live" if media.is_live else "an"
    findings.add(f"{kind} HLS playlist of {len(media.segments)} segments, {media.seconds:g} s")
    segment, offset = _chosen(media, order)
    pieces = source.bytes_of(segment, Deadline(order.deadline))
    start = None if media.is_live else segment.start
    return Stream(pieces=pieces, offset=offset, start=start, at=segment.at)


def _chosen(media: Media, order: GrabOrder) -> tuple[Segment, float | None]:
    """Give the segment that holds the picture, and where in it: the newest of a live list, the first of another."""
    segments = [each for each in media.segments if not each.is_gap]
    if not segments:
        raise FetchFailed("its playlist holds no segments")
    if order.at is None:
        return (segments[-1], None) if media.is_live else (segments[0], 0.0)
    at = random.SystemRandom().uniform(0, media.seconds) if order.at == "random" else order.at
    if order.at != "random" and at >= media.seconds:
        raise InvalidInput("at", f"the source holds {media.seconds:g} s; ask for less")
    segment = next((each for each in reversed(segments) if each.start <= at), segments[0])
    return segment, min(max(0.0, at - segment.start), segment.seconds)
