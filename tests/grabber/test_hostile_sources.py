from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.doubles.sources import BOMB, DRIP, DRIP_HEAD, ENDLESS, SILENT, SourceServer
from tests.grabber.service import GRABS_AT_ONCE, Service
from tests.processes import children, command
from tests.waiting import eventually

SECRET = "s3cret-token"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://localhost/",
        "rtmp://10.0.0.1/a/b",
        "rtsp://192.168.1.1/",
        "srt://127.0.0.1:9000",
        "http://no-such-host.invalid/",
    ],
)
def test_what_leads_inside_is_refused_in_the_same_words_whether_or_not_it_is_there(
    strict_service: Service, url: str
) -> None:
    answer = strict_service.ask(url)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "source_url",
            "problem": "its host has no public address; for one inside, the operator names its network in the setting "
            "STREAMKEEP_ALLOWED_NETWORKS (for example 10.20.0.0/16)",
        }
    ]


def test_a_redirect_to_a_forbidden_address_is_not_followed(service: Service, web: SourceServer) -> None:
    web.redirects["/moved"] = "http://169.254.169.254/latest/"

    answer = service.ask(web.url("moved"))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "source_url")


@pytest.mark.parametrize(
    "line",
    [
        "http://169.254.169.254/segment.ts",
        "file:///etc/passwd",
        "concat:/etc/passwd",
        '#EXT-X-KEY:METHOD=AES-128,URI="http://10.0.0.1/key"\n#EXTINF:4,\nvod0.ts',
        '#EXT-X-MAP:URI="file:///etc/passwd"\n#EXTINF:4,\nvod0.ts',
    ],
)
def test_a_playlist_leads_to_no_forbidden_address(service: Service, web: SourceServer, line: str) -> None:
    lines = line if "#" in line else f"#EXTINF:4,\n{line}"
    web.bodies["/list.m3u8"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{lines}\n#EXT-X-ENDLIST\n".encode()

    answer = service.ask(web.url("list.m3u8"))

    assert answer.status_code == 422, answer.text
    assert "passwd" not in answer.text


def test_whoever_dawdles_gets_a_504_that_tells_what_was_found_within_8_seconds(
    service: Service, web: SourceServer
) -> None:
    paths = (DRIP, DRIP_HEAD, SILENT)
    began = time.monotonic()
    with ThreadPoolExecutor(len(paths)) as pool:
        answers = list(pool.map(service.ask, map(web.url, paths)))

    assert time.monotonic() - began < 8
    assert [answer.status_code for answer in answers] == [504] * len(paths)
    assert all("bytes of media came" in answer.text or "no media came" in answer.text for answer in answers)
    eventually(lambda: not _programs(), what="nothing of it runs on")


@pytest.mark.parametrize("path", [ENDLESS, BOMB])
def test_an_answer_without_an_end_is_not_read_for_ever(service: Service, web: SourceServer, path: str) -> None:
    assert service.ask(web.url(path)).status_code in (413, 502)


def _programs() -> list[psutil.Process]:
    """Give the programs that take pictures now."""
    return [each for each in children(recursive=True) if any("services.grabber" in word for word in command(each))]


def test_a_playlist_of_a_hundred_thousand_segments_is_too_large(service: Service, web: SourceServer) -> None:
    web.bodies["/huge.m3u8"] = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + b"#EXTINF:1,\na\n" * 100_000

    assert service.ask(web.url("huge.m3u8")).status_code == 413


def test_what_is_no_video_cannot_be_read(service: Service, web: SourceServer) -> None:
    web.bodies["/text"] = b"hello " * 1000

    answer = service.ask(web.url("text"))

    assert (answer.status_code, answer.json()["detail"]) == (502, "source_url: it cannot be decoded")


def test_a_playlist_inside_a_file_of_another_kind_opens_nothing(service: Service, web: SourceServer) -> None:
    web.bodies["/list.txt"] = f"ffconcat version 1.0\nfile '{web.url('whole.ts')}'\n".encode() * 100

    assert service.ask(web.url("list.txt")).status_code == 502
    assert {heard[0] for heard in web.asked} == {"/list.txt"}


def test_no_secret_of_an_address_stands_in_an_answer_or_a_command_line(service: Service, web: SourceServer) -> None:
    url = f"http://user:{SECRET}@127.0.0.1:{web.port}{SILENT}?token={SECRET}"
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(service.ask, url)
        eventually(lambda: web.asked, what="the source is asked")
        seen = [word for each in _programs() for word in command(each)]
        web.closing.set()
        answer = asking.result(10)

    assert seen
    assert SECRET not in " ".join(seen) + answer.text
    assert web.asked[0][3].startswith("Basic ")


def test_more_at_once_than_the_setting_allows_are_told_to_come_again(service: Service, web: SourceServer) -> None:
    with ThreadPoolExecutor(GRABS_AT_ONCE) as pool:
        busy = [pool.submit(service.ask, web.url(SILENT)) for _ in range(GRABS_AT_ONCE)]
        eventually(lambda: len(web.asked) == GRABS_AT_ONCE, what="all places are taken")

        answer = service.ask(web.url("vod.m3u8"))

        web.closing.set()
        assert [each.result(10).status_code for each in busy] == [502] * GRABS_AT_ONCE
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"at": -1}, "at"),
        ({"at": True}, "at"),
        ({"at": "later"}, "at"),
        ({"width": 15}, "width"),
        ({"width": 3841}, "width"),
        ({"colour": 1}, "colour"),
    ],
)
def test_bad_fields_are_refused_by_name(service: Service, fields: dict[str, object], named: str) -> None:
    answer = service.ask("http://127.0.0.1/x", **fields)

    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {named}


def test_the_service_answers_others_while_pictures_are_taken(service: Service, web: SourceServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(service.ask, web.url(SILENT))
        eventually(lambda: web.asked, what="the source is asked")
        assert service.client.get("/healthz").status_code == 200
        web.closing.set()
        asking.result(10)
