from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed, TooLarge
from services.adapters.guarded_http import GuardedHttp
from services.adapters.hls_following import Part, follow
from services.adapters.hls_place import Place
from services.adapters.hls_playlist import Master, Media, parse
from services.adapters.hls_source import HlsSource, chosen
from services.domain.addresses import networks
from tests.doubles.sources import SourceServer, source_server

URL = "http://example.com/a/list.m3u8"


def _media(*lines: str) -> Media:
    found = parse("\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:1", *lines]), URL)
    assert isinstance(found, Media)
    return found


def test_addresses_come_out_absolute_and_starts_add_up() -> None:
    media = _media("#EXT-X-MEDIA-SEQUENCE:7", "#EXTINF:2.5,", "one.ts", "#EXTINF:2,", "/two.ts", "#EXT-X-ENDLIST")

    assert [each.media.url for each in media.segments] == ["http://example.com/a/one.ts", "http://example.com/two.ts"]
    assert [(each.sequence, each.start) for each in media.segments] == [(7, 0), (8, 2.5)]
    assert (media.seconds, media.is_live) == (4.5, False)


def test_byte_ranges_without_an_offset_go_on_where_the_last_ended() -> None:
    media = _media("#EXTINF:1,", "#EXT-X-BYTERANGE:10@5", "a.ts", "#EXTINF:1,", "#EXT-X-BYTERANGE:7", "a.ts")

    assert [each.media.byte_range for each in media.segments] == [(5, 14), (15, 21)]


def test_of_variants_the_narrowest_that_is_wide_enough_is_chosen() -> None:
    lines = [f"#EXT-X-STREAM-INF:BANDWIDTH={width},RESOLUTION={width}x90\n{width}" for width in (640, 1280, 3840)]
    master = parse("\n".join(["#EXTM3U", *lines]), URL)

    assert isinstance(master, Master)
    assert [chosen(master, width).width for width in (100, 700, 5000, None)] == [640, 1280, 3840, 3840]


@pytest.mark.parametrize(
    "line", ['#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"', '#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="com.apple"']
)
def test_encryption_that_is_not_read_is_refused_in_words(line: str) -> None:
    with pytest.raises(FetchFailed, match="AES-128"):
        _media(line, "#EXTINF:1,", "a.ts")


@given(st.text())
def test_no_text_makes_the_parser_raise_anything_of_its_own(text: str) -> None:
    with contextlib.suppress(FetchFailed, TooLarge):
        parse(f"#EXTM3U\n{text}", URL)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[SourceServer]:
    with source_server(tmp_path) as server:
        yield server


def _list(web: SourceServer, first: int, names: list[str], *, end: bool = False) -> None:
    lines = "".join(f"#EXTINF:0.1,\n{name}\n" for name in names)
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{lines}{'#EXT-X-ENDLIST' if end else ''}"
    web.bodies["/live.m3u8"] = text.encode()


@pytest.fixture
def source(web: SourceServer) -> Iterator[HlsSource]:
    with contextlib.closing(GuardedHttp(AddressGuard(networks("127.0.0.0/8")))) as http:
        yield HlsSource(http, web.url("live.m3u8"))


def _follow_all(source: HlsSource, patience: float) -> list[bytes]:
    return [b"".join(part.pieces) for part in follow(source, stop=threading.Event(), patience=patience)]


def test_a_live_list_is_followed_each_segment_once_until_its_end(web: SourceServer, source: HlsSource) -> None:
    web.bodies |= {f"/{letter}": letter.encode() for letter in "abcdefgh"}
    _list(web, 0, list("abcd"))
    heard: list[tuple[bytes, bool]] = []

    def take(part: Part) -> None:
        heard.append((b"".join(part.pieces), part.is_new_stream))
        if len(heard) == 3:
            _list(web, 2, list("cdef"))
        if len(heard) == 5:
            _list(web, 7, ["h"], end=True)  # g was missed

    for part in follow(source, stop=threading.Event()):
        take(part)

    assert heard == [(b"b", True), (b"c", False), (b"d", False), (b"e", False), (b"f", False), (b"h", True)]


def test_following_stops_when_it_is_told(web: SourceServer, source: HlsSource) -> None:
    web.bodies["/a"] = b"a"
    _list(web, 0, ["a"])
    stop = threading.Event()

    for part in follow(source, stop=stop):
        assert b"".join(part.pieces) == b"a"
        stop.set()


def test_a_list_that_never_grows_ends_in_an_error(web: SourceServer, source: HlsSource) -> None:
    web.bodies["/a"] = b"a"
    _list(web, 0, ["a"])

    with pytest.raises(FetchFailed, match="grown"):
        _follow_all(source, patience=0.3)


def test_masters_that_name_each_other_end_in_an_error(web: SourceServer, source: HlsSource) -> None:
    web.bodies["/live.m3u8"] = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n"

    with pytest.raises(FetchFailed, match="without an end"):
        source.media(Deadline.after(5))


def _numbered(first: int, last: int, *lines: str, name: str = "{}.ts") -> Media:
    named = [line for each in range(first, last + 1) for line in ("#EXTINF:1,", name.format(each))]
    return _media(f"#EXT-X-MEDIA-SEQUENCE:{first}", *named, *lines)


def _numbers(place: Place, media: Media) -> list[int]:
    """Give what is due, and read it."""
    due = place.due(media, joins=place.last is None)
    place.last = due[-1] if due else place.last
    return [each.sequence for each in due]


def test_an_older_copy_of_a_list_brings_nothing_again() -> None:
    place = Place()

    assert _numbers(place, _numbered(5, 10)) == [8, 9, 10]
    assert [_numbers(place, _numbered(4, last)) for last in (8, 9, 10)] == [[], [], []]
    assert _numbers(place, _numbered(6, 11)) == [11]


def test_a_broadcast_that_counts_from_the_start_again_is_read_from_near_its_end() -> None:
    place = Place()
    _numbers(place, _numbered(100, 105))

    assert _numbers(place, _numbered(0, 1)) == [0, 1]


def test_a_broadcast_of_the_same_names_shows_itself_by_growing() -> None:
    place = Place()
    _numbers(place, _numbered(0, 20))

    assert [_numbers(place, _numbered(0, last)) for last in (1, 2, 3)] == [[], [0, 1, 2], [3]]


def test_tokens_make_no_other_segments() -> None:
    place = Place()
    _numbers(place, _numbered(0, 2, "#EXT-X-ENDLIST"))

    assert _numbers(place, _numbered(0, 2, "#EXT-X-ENDLIST", name="/token/{}.ts?t=2")) == []
    assert _numbers(place, _numbered(0, 2, "#EXT-X-ENDLIST", name="other{}.ts")) == [0, 1, 2]


def test_whoever_comes_back_to_a_live_list_begins_near_its_end_without_what_was_read() -> None:
    place = Place()
    _numbers(place, _numbered(0, 9))

    assert [each.sequence for each in place.due(_numbered(0, 11), joins=True)] == [10, 11]
    assert [each.sequence for each in place.due(_numbered(0, 30), joins=True)] == [28, 29, 30]
