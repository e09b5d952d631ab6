from __future__ import annotations

import http.client
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from services.domain import keys
from tests.metadata.broadcasts import go_live, store
from tests.metadata.running import DEADLINE_SECONDS, Running
from tests.metadata.test_bad_input import assert_problem

BODY = bytes(range(256)) * 1000
KEY = "recordings/camera/2026/11/20/10/s/20261120T100000.000Z.mp4"


def link(service: Running, key: str, life: timedelta = timedelta(minutes=1)) -> str:
    return service.links.make(key, life=life, now=datetime.now(UTC)).url


@pytest.fixture(scope="module")
def mp4(service: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    return link(service, store(service, tmp_path_factory.mktemp("source"), KEY, BODY))


def test_a_link_gives_the_whole_object(service: Running, mp4: str) -> None:
    answer = service.anonymous.get(mp4)

    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(BODY))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]


def test_a_link_can_ask_that_the_object_be_saved(service: Running, mp4: str) -> None:
    answer = service.anonymous.get(f"{mp4}?download")

    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="camera-20261120T100000.000Z.mp4"'


@pytest.mark.parametrize(
    ("asked", "told", "part"),
    [
        ("bytes=0-0", "bytes 0-0/256000", BODY[:1]),
        ("bytes=1000-1999", "bytes 1000-1999/256000", BODY[1000:2000]),
        ("bytes=255990-", "bytes 255990-255999/256000", BODY[255990:]),
        ("bytes=-10", "bytes 255990-255999/256000", BODY[-10:]),
        ("bytes=255990-999999", "bytes 255990-255999/256000", BODY[255990:]),
    ],
)
def test_a_range_is_answered_in_part(service: Running, mp4: str, asked: str, told: str, part: bytes) -> None:
    answer = service.anonymous.get(mp4, headers={"Range": asked})

    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, part, told)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_range_outside_the_object_is_refused_with_its_length(service: Running, mp4: str) -> None:
    answer = service.anonymous.get(mp4, headers={"Range": "bytes=256000-"})

    assert_problem(answer, 416)
    assert answer.headers["Content-Range"] == "bytes */256000"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_malformed_range_is_refused(service: Running, mp4: str) -> None:
    assert_problem(service.anonymous.get(mp4, headers={"Range": "lines=1-2"}), 400)


def test_a_head_request_gives_the_headers_alone(service: Running, mp4: str) -> None:
    answer = service.anonymous.head(mp4)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(BODY))


def test_a_preflight_is_answered_for_any_page(service: Running, mp4: str) -> None:
    answer = service.anonymous.options(
        mp4,
        headers={
            "Origin": "https://player.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range",
        },
    )

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Range" in answer.headers["Access-Control-Allow-Headers"]
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_a_link_works_until_it_expires_and_says_when(service: Running, mp4: str) -> None:
    assert service.anonymous.get(mp4).status_code == 200
    expired = service.links.make(KEY, life=timedelta(seconds=-1), now=datetime.now(UTC))

    answer = service.anonymous.get(expired.url)

    assert "expired" in assert_problem(answer, 403)["detail"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    seconds = int(urlsplit(expired.url).path.split("/")[2].partition("-")[0])
    assert datetime.fromisoformat(expired.expires_at).timestamp() == seconds


@pytest.mark.parametrize("token", ["", "x", "0-", "99999999999-" + "0" * 32, "9" * 5000 + "-0", "-", "%2e%2e", "é-é"])
def test_a_token_that_nobody_signed_opens_nothing(service: Running, mp4: str, token: str) -> None:
    answer = service.anonymous.get(f"{service.url}/p/{token}/{KEY}")

    assert answer.status_code in (403, 404)
    assert_problem(answer, answer.status_code)
    assert mp4


def test_a_link_opens_no_other_object(service: Running, mp4: str, tmp_path: Path) -> None:
    other = store(service, tmp_path, KEY.replace("100000", "100100"), b"other")

    assert_problem(service.anonymous.get(mp4.replace(KEY, other)), 403)


def test_a_link_to_what_is_not_there_is_not_found(service: Running) -> None:
    assert_problem(service.anonymous.get(link(service, "snapshots/camera/none.jpg")), 404)


def test_a_playlists_link_opens_its_channels_segments_by_relative_names(service: Running, tmp_path: Path) -> None:
    channel = service.create()
    session = go_live(service, channel["id"], "played")
    segment = store(service, tmp_path, keys.segment(channel["id"], session.id, 7), b"ts")
    text = f"#EXTM3U\n#EXTINF:2.000,\n{session.id}/000000007.ts\n"
    service.objects.replace(keys.live_playlist(channel["id"]), text.encode(), etag=None)

    playlist = service.anonymous.get(channel["playback"]["hls"])
    found = service.anonymous.get(urljoin(str(playlist.url), playlist.text.splitlines()[-1]))

    assert (playlist.status_code, playlist.text) == (200, text)
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["Cache-Control"] == "no-cache"
    assert (found.content, found.headers["Content-Type"]) == (b"ts", "video/mp2t")
    assert segment in str(found.url)
    head = service.anonymous.head(channel["playback"]["hls"])
    assert (head.status_code, head.content) == (200, b"")


def test_a_playlists_link_opens_no_other_channel(service: Running) -> None:
    first, second = service.create(), service.create()
    service.objects.replace(keys.live_playlist(second["id"]), b"#EXTM3U\n", etag=None)

    assert_problem(service.anonymous.get(first["playback"]["hls"].replace(first["id"], second["id"])), 403)


def test_a_manifest_may_be_linked(service: Running) -> None:
    service.objects.replace(keys.head("camera", "linked"), b"{}", etag=None)

    answer = service.anonymous.get(link(service, keys.head("camera", "linked")))

    assert (answer.content, answer.headers["Content-Type"]) == (b"{}", "application/json")


def raw_get(service: Running, path: str) -> tuple[int, Message]:
    """Send a path just as it is written, which no client library does."""
    connection = http.client.HTTPConnection("127.0.0.1", service.settings.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize(
    "escape",
    [
        "../../../state.db",
        "..%2f..%2f..%2fstate.db",
        "%2e%2e/%2e%2e/%2e%2e/state.db",
        "%2e%2e%5c..%5cstate.db",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "live.m3u8%00.ts",
        "./live.m3u8",
        ".lock",
        "",
        "a//b",
        "x" * 300,
        "a/" * 600 + "b",
    ],
)
def test_a_path_never_leaves_the_store(service: Running, escape: str) -> None:
    """A playlist's link opens every key under its prefix: the holder writes the rest of the path himself."""
    channel = service.create()
    service.objects.replace(keys.live_playlist(channel["id"]), b"#EXTM3U\n", etag=None)
    base = urlsplit(channel["playback"]["hls"]).path.removesuffix("live.m3u8")
    assert raw_get(service, base + "live.m3u8")[0] == 200

    status, headers = raw_get(service, base + escape)

    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
