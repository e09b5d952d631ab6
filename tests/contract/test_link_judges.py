"""The contract of whoever judges links: the metadata service on one machine, the CloudFront Function on AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain import keys
from services.domain.artifact import Kind
from services.domain.links import SignedLinks
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from tests import examples
from tests.doubles.edge import FUNCTION, Edge
from tests.doubles.edge_njs import NjsEdge
from tests.metadata.callback_double import callback_double
from tests.metadata.running import running

BASE = "https://media.test"
NOW = datetime.now(UTC)
SECRETS = "new:link-secret-two,old:link-secret-one"
RING = Keyring.parse(Secret(SECRETS))
OLD_RING = Keyring(secrets={"old": Secret("link-secret-one")})
FOREIGN_RING = Keyring(secrets={"new": Secret("somebody-elses")})
PICTURE = keys.dated(Kind.SNAPSHOT, "camera", "session", examples.NOW)  # of one name in every process that runs this
LIST = keys.live_playlist("camera")
HOUR = timedelta(hours=1)

Judge = Callable[[str], str]
"""Says of an address whether it is let through (`ok`, be there an object or not) or why not."""

_VERDICTS = ("expired", "malformed", "wrong")


def links(ring: Keyring = RING) -> SignedLinks:
    return SignedLinks(keyring=ring, public_url=BASE)


def link(key: str, *, ring: Keyring = RING, life: timedelta = HOUR) -> str:
    return links(ring).make(key, life=life, now=datetime.now(UTC)).url


def told(status: int, detail: str) -> str:
    """Give the verdict that an answer tells; that there is no such object is said of links that are let through."""
    if status == HTTPStatus.FORBIDDEN:
        return next(verdict for verdict in _VERDICTS if verdict in detail)
    return "ok"


@contextmanager
def _metadata(folder: Path) -> Iterator[Judge]:
    with callback_double() as callback, running(folder, callback, link_secrets=SECRETS) as service:

        def judge(url: str) -> str:
            answer: httpx.Response = service.anonymous.get(url.removeprefix(BASE))
            return told(answer.status_code, answer.json()["detail"])

        yield judge


@contextmanager
def _edge(_: Path) -> Iterator[Judge]:
    yield from _judging(Edge(link_secrets=SECRETS, api="https://api.test"))


@contextmanager
def _njs(_: Path) -> Iterator[Judge]:
    yield from _judging(NjsEdge(link_secrets=SECRETS, api="https://api.test"))


def _judging(edge: Edge | NjsEdge) -> Iterator[Judge]:
    with edge:

        def judge(url: str) -> str:
            answer = edge.ask(url)
            return told(answer.get("statusCode", HTTPStatus.OK), answer.get("body", ""))

        yield judge


@pytest.fixture(scope="module", params=["metadata", "edge", "edge by njs"])
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    world = {"metadata": _metadata, "edge": _edge, "edge by njs": _njs}[request.param]
    with world(tmp_path_factory.mktemp("links")) as judge:
        yield judge


@pytest.mark.parametrize("key", [PICTURE, LIST, keys.vod_playlist("camera", "session"), "clips/Straße/日本 1.mp4"])
def test_a_link_opens_what_it_was_made_for(judge: Judge, key: str) -> None:
    assert judge(link(key)) == "ok"


def test_a_link_to_a_playlist_opens_all_that_lies_beside_it(judge: Judge) -> None:
    prefix = link(LIST).removesuffix("live.m3u8")

    assert judge(f"{prefix}session/000000001.ts") == "ok"
    assert judge(f"{prefix}session/vod.m3u8") == "ok"


def test_a_link_opens_nothing_of_another_scope(judge: Judge) -> None:
    assert judge(link(LIST).replace("hls/camera/", "hls/camera-2/")) == "wrong"
    assert judge(link(PICTURE).replace(PICTURE, keys.latest_snapshot("camera"))) == "wrong"
    assert judge(link(PICTURE).replace(PICTURE, LIST)) == "wrong"


def test_a_link_ends(judge: Judge) -> None:
    assert judge(link(PICTURE, life=timedelta(seconds=-2))) == "expired"


def test_both_secrets_of_a_rotation_are_good_and_no_other(judge: Judge) -> None:
    assert judge(link(PICTURE, ring=OLD_RING)) == "ok"
    assert judge(link(PICTURE, ring=FOREIGN_RING)) == "wrong"


def test_a_later_end_cannot_be_written_into_a_link(judge: Judge) -> None:
    expires = links().make(PICTURE, life=HOUR, now=NOW).url.split("/p/")[1].partition("-")[0]

    assert judge(links().make(PICTURE, life=HOUR, now=NOW).url.replace(expires, str(int(expires) + 9))) == "wrong"


@pytest.mark.parametrize("token", ["x", "12", "-", "x-y", "1234567890123-00", "١٢-00", "12.5-00", "%00", "12%20-00"])
def test_what_has_no_end_in_front_is_malformed(judge: Judge, token: str) -> None:
    assert judge(f"{BASE}/p/{token}/{PICTURE}") == "malformed"


@pytest.mark.parametrize("token", ["12-", "9999999999-", "9999999999-" + "0" * 32, "9999999999-" + "f" * 64])
def test_a_guessed_signature_is_wrong(judge: Judge, token: str) -> None:
    assert judge(f"{BASE}/p/{token}/{PICTURE}") == "wrong"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 31), letter=st.sampled_from("0123456789abcdefgF-"))
def test_a_signature_with_any_letter_changed_is_wrong(judge: Judge, at: int, letter: str) -> None:
    url = link(PICTURE)
    begin = url.index("-", url.index("/p/")) + 1
    changed = url[: begin + at] + letter + url[begin + at + 1 :]

    assert judge(changed) == ("ok" if changed == url else "wrong")


def test_the_edge_asks_the_store_for_the_key_and_for_nothing_else() -> None:
    with Edge(link_secrets=SECRETS, api="https://api.test") as edge:
        request = edge.ask(f"{link(PICTURE)}?x=1")

        assert (request["uri"], request["querystring"]) == (f"/{PICTURE}", {})


def test_the_edge_lets_a_browser_save_a_link_under_the_name_that_the_service_gives() -> None:
    with Edge(link_secrets=SECRETS, api="https://api.test") as edge:
        query = edge.ask(f"{link(PICTURE)}?download=")["querystring"]

    disposition = httpx.QueryParams(f"d={query['response-content-disposition']['value']}")["d"]
    assert disposition == f'attachment; filename="{keys.file_name(PICTURE)}"'


def test_the_edge_leads_to_the_service_for_another_width() -> None:
    url = link(PICTURE)
    with Edge(link_secrets=SECRETS, api="https://api.test") as edge:
        answer = edge.ask(f"{url}?width=320")

    assert answer["statusCode"] == 307
    assert answer["headers"]["location"]["value"] == f"{url.replace(BASE, 'https://api.test')}?width=320"


@pytest.mark.parametrize(
    "path", ["/", "/p", "/p/", "/x/1-2/key", "/snapshots/camera/latest.jpg", "/p/1-2/", "/p/1-2/%zz"]
)
def test_the_edge_gives_nothing_that_is_no_link(path: str) -> None:
    with Edge(link_secrets=SECRETS, api="https://api.test") as edge:
        assert edge.ask(f"{BASE}{path}")["statusCode"] in (403, 404)


@pytest.mark.parametrize(
    "name", ["../../sessions/camera/s/head.json", ".lock", "a//b.ts", "..", "%2e%2e/x.ts", "a%5Cb"]
)
def test_the_edge_never_asks_the_store_for_what_can_be_no_key(name: str) -> None:
    with Edge(link_secrets=SECRETS, api="https://api.test") as edge:
        answer = edge.ask(link(LIST).removesuffix("live.m3u8") + name)

    assert answer["statusCode"] == 404


def test_the_function_fits_what_cloudfront_takes() -> None:
    assert FUNCTION.stat().st_size <= 10_240


@pytest.mark.parametrize(
    "spelled", ["hls%2Fcamera%2Fsession%2F1.ts", "%68ls/camera/session/1.ts", "hls/camera/session/%31.ts"]
)
def test_the_edge_asks_for_an_object_by_one_name_however_it_is_spelled(spelled: str) -> None:
    token = link(LIST).removeprefix(f"{BASE}/p/").partition("/")[0]
    with NjsEdge(link_secrets=SECRETS, api="https://api.test") as edge:
        assert edge.ask(f"{BASE}/p/{token}/{spelled}")["uri"] == "/hls/camera/session/1.ts"


def test_the_edge_by_njs_answers_every_way_that_it_can() -> None:
    with NjsEdge(link_secrets=SECRETS, api="https://api.test") as edge:
        assert edge.ask(f"{link(PICTURE)}?width=320")["statusCode"] == HTTPStatus.TEMPORARY_REDIRECT
        assert "response-content-disposition" in edge.ask(f"{link(PICTURE)}?download=")["querystring"]
        assert edge.ask(f"{BASE}/p/1-2/%zz")["statusCode"] == HTTPStatus.NOT_FOUND
