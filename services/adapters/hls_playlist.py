"""What an HLS playlist says, read by the m3u8 library, which never fetches anything here.

    match parse(text, url):
        case Master(variants): ...
        case Media(segments): ...

Addresses come out absolute and unchecked: whoever fetches them guards each one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

import m3u8

from services.adapters.fetch_errors import FetchFailed, TooLarge

SEGMENTS_MAX = 60_000  # 33 h of 2 s
VARIANTS_MAX = 200
_BYTE_RANGE = re.compile(r"(\d{1,15})(?:@(\d{1,15}))?", re.ASCII)
_HEADER = "#EXTM3U"
_AES = "AES-128"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to fetch: all of `url`, or its bytes `first` to `last`, both included."""

    url: str
    byte_range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """AES-128 in CBC mode; `iv` None: the segment's media sequence number."""

    url: str
    iv: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a stream: `start` seconds after the playlist's first, `init` goes before it (fMP4)."""

    media: Resource
    sequence: int
    start: float
    seconds: float
    init: Resource | None = None
    key: Key | None = None
    is_discontinuous: bool = False
    is_gap: bool = False
    at: datetime | None = None  # EXT-X-PROGRAM-DATE-TIME


@dataclass(frozen=True, slots=True)
class Media:
    """A list of segments; `is_live`: there will be more."""

    segments: tuple[Segment, ...]
    is_live: bool
    target_seconds: float

    @property
    def seconds(self) -> float:
        """Give how long all of it is."""
        return self.segments[-1].start + self.segments[-1].seconds if self.segments else 0.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several renditions; `width` None where the list does not tell."""

    url: str
    bandwidth: int
    width: int | None


@dataclass(frozen=True, slots=True)
class Master:
    """A list of renditions."""

    variants: tuple[Variant, ...]


def parse(text: str, url: str) -> Master | Media:
    """Read a playlist that came from `url`; raise FetchFailed or TooLarge."""
    if not text.lstrip("\ufeff \r\n").startswith(_HEADER):
        raise FetchFailed("it is no HLS playlist")
    if text.count("#EXTINF") > SEGMENTS_MAX or text.count("#EXT-X-STREAM-INF") > VARIANTS_MAX:
        raise TooLarge(f"its playlist names more than {SEGMENTS_MAX} segments or {VARIANTS_MAX} variants")
    try:
        found = m3u8.M3U8(text.lstrip("\ufeff \r\n"), base_uri=None)
        if found.is_variant:
            return Master(tuple(_variants(found, url)))
        target = float(found.target_duration or 0)
        return Media(tuple(_segments(found, url)), is_live=not found.is_endlist, target_seconds=target)
    except FetchFailed:
        raise
    except Exception as error:  # whatever a stranger's text makes the library raise
        raise FetchFailed("its playlist cannot be read") from error


def _variants(found: m3u8.M3U8, url: str) -> Iterator[Variant]:
    for each in found.playlists:
        info = each.stream_info
        width = info.resolution[0] if info.resolution else None
        yield Variant(urljoin(url, each.uri or ""), int(info.bandwidth or 0), width)


def _segments(found: m3u8.M3U8, url: str) -> Iterator[Segment]:
    start = 0.0
    ends: dict[str, int] = {}  # of the byte range before, where one gives no offset
    for number, each in enumerate(found.segments):
        place = urljoin(url, each.uri or "")
        seconds = min(max(float(each.duration or 0), 0.0), 3600.0)
        yield Segment(
            media=_resource(place, each.byterange, ends),
            sequence=int(found.media_sequence or 0) + number,
            start=start,
            seconds=seconds,
            init=_init(each, url),
            key=_key(each, url),
            is_discontinuous=bool(each.discontinuity),
            is_gap=bool(each.gap_tag),
            at=each.current_program_date_time,
        )
        start += seconds


def _resource(place: str, spelled: str | None, ends: dict[str, int]) -> Resource:
    if not spelled:
        return Resource(place)
    matched = _BYTE_RANGE.fullmatch(spelled.strip())
    if matched is None or int(matched[1]) == 0:
        raise FetchFailed("its playlist holds a byte range that is none")
    first = int(matched[2]) if matched[2] is not None else ends.get(place, 0)
    ends[place] = first + int(matched[1])
    return Resource(place, (first, ends[place] - 1))


def _init(segment: m3u8.Segment, url: str) -> Resource | None:
    section = segment.init_section
    if section is None or not section.uri:
        return None
    return _resource(urljoin(url, section.uri), section.byterange, {})


def _key(segment: m3u8.Segment, url: str) -> Key | None:
    key = segment.key
    if key is None or key.method in (None, "NONE"):
        return None
    if key.method != _AES or (key.keyformat or "identity") != "identity" or not key.uri:
        raise FetchFailed("its segments are encrypted with a method other than AES-128, which is not read")
    if segment.init_section is not None:
        raise FetchFailed("its segments are encrypted fMP4, which is not read")
    return Key(urljoin(url, key.uri), bytes.fromhex(key.iv[2:].rjust(32, "0")) if key.iv else None)
