"""Links to objects in a bucket: media by a redirect to where they are, playlists still in the body."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.adapters import s3_bucket
from services.adapters.s3_store import S3Store
from services.domain import keys, times
from services.domain.artifact import Kind
from services.metadata.bootstrap import application
from services.metadata.signed_links import SignedLinks
from services.runtime.serving import listen
from tests.emulators import Emulators
from tests.examples import NOW, a_session
from tests.metadata.pictures import shot
from tests.metadata.running import TOKEN, served, settings_for
from tests.waiting import eventually

BUCKET = "linked-objects"
PLAYLIST = b"#EXTM3U\n"
RECORDING = "recordings/camera/2026/11/20/10/session/20261120T100000.000Z.mp4"
SEGMENT = keys.segment("camera", "session", 1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def endpoint(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the server of a bucket with a recording, a segment and a playlist."""
    endpoint, source = emulators.url("ministack"), tmp_path_factory.mktemp("sources") / "media"
    s3_bucket.prepare(BUCKET, endpoint=endpoint)
    with closing(S3Store(BUCKET, endpoint=endpoint)) as store:
        for key in (RECORDING, SEGMENT):
            source.write_bytes(key.encode())
            store.create(key, source, sha256=hashlib.sha256(key.encode()).hexdigest())
        store.replace(keys.live_playlist("camera"), PLAYLIST, etag=None)
    return endpoint


@pytest.fixture(scope="module")
def links(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedLinks]:
    """Run the service over that bucket, which it finds as a user would tell it."""
    folder = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as environment, listen("127.0.0.1", 0) as bound:
        environment.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        settings = settings_for(folder, "http://127.0.0.1:9", bound.getsockname()[1]).model_copy(
            update={"store": "s3", "objects_path": None, "bucket": BUCKET}
        )
        with application(settings) as app, served(app, bound):
            yield SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url)


def follow(links: SignedLinks, key: str, life: timedelta = HOUR) -> httpx.Response:
    return httpx.get(links.make(key, life=life, now=datetime.now(UTC)).url, trust_env=False)


def is_closed(url: str) -> bool:
    return httpx.get(url, trust_env=False).status_code == 403


@pytest.mark.parametrize(("life", "longest"), [(HOUR, 900), (timedelta(seconds=60), 60)])
def test_media_is_redirected_for_no_longer_than_the_link_lives(
    links: SignedLinks, endpoint: str, life: timedelta, longest: int
) -> None:
    answer = follow(links, SEGMENT, life)

    assert answer.status_code == 307
    place = urlsplit(answer.headers["Location"])
    (seconds,) = parse_qs(place.query)["X-Amz-Expires"]
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{endpoint}/{BUCKET}/{SEGMENT}"
    assert longest - 5 <= int(seconds) <= longest


def test_a_redirect_may_be_followed_by_pages_and_kept_by_nobody(links: SignedLinks) -> None:
    answer = follow(links, SEGMENT)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("key", "media_type"), [(RECORDING, "video/mp4"), (SEGMENT, "video/mp2t")])
def test_a_redirect_leads_to_the_object(links: SignedLinks, key: str, media_type: str) -> None:
    answer = httpx.get(follow(links, key).headers["Location"], trust_env=False)

    assert (answer.status_code, answer.content) == (200, key.encode())
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_a_player_that_follows_a_redirect_may_ask_for_a_range(links: SignedLinks) -> None:
    url = links.make(RECORDING, life=HOUR, now=datetime.now(UTC)).url

    answer = httpx.get(url, headers={"Range": "bytes=0-9"}, follow_redirects=True, trust_env=False)

    assert (answer.status_code, answer.content) == (206, b"recordings")


def test_a_link_can_ask_that_the_object_be_saved(links: SignedLinks) -> None:
    url = links.make(RECORDING, life=HOUR, now=datetime.now(UTC)).url

    answer = httpx.get(f"{url}?download", follow_redirects=True, trust_env=False)

    assert answer.content == RECORDING.encode()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="camera-20261120T100000.000Z.mp4"'


def test_a_head_is_answered_without_a_redirect_which_is_signed_for_get_alone(links: SignedLinks) -> None:
    answer = httpx.head(links.make(RECORDING, life=HOUR, now=datetime.now(UTC)).url, trust_env=False)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(RECORDING))
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_where_a_redirect_leads_is_closed_when_the_link_has_expired(links: SignedLinks) -> None:
    url = links.make(SEGMENT, life=timedelta(seconds=2), now=datetime.now(UTC)).url
    place = httpx.get(url, trust_env=False).headers["Location"]

    eventually(lambda: is_closed(place), within=6, what="the address has expired")
    eventually(lambda: is_closed(url), within=6, what="the link has expired")


def test_a_playlist_is_never_redirected(links: SignedLinks) -> None:
    answer = follow(links, keys.live_playlist("camera"))

    assert (answer.status_code, answer.content) == (200, PLAYLIST)
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"


@pytest.mark.parametrize("key", [keys.segment("camera", "session", 2), keys.vod_playlist("camera", "session")])
def test_a_link_to_what_is_not_there_is_not_found_and_leads_nowhere(links: SignedLinks, key: str) -> None:
    assert follow(links, key).status_code == 404


def test_a_link_with_a_wrong_signature_leads_nowhere(links: SignedLinks) -> None:
    url = links.make(SEGMENT, life=HOUR, now=datetime.now(UTC)).url

    assert httpx.get(url.replace(SEGMENT, RECORDING), trust_env=False).status_code == 403


def test_the_newest_picture_of_a_bucket_is_told_of_and_resized_in_the_body(
    links: SignedLinks, endpoint: str, tmp_path: Path
) -> None:
    api = httpx.Client(base_url=links.public_url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    with api, closing(S3Store(BUCKET, endpoint=endpoint)) as store:
        channel_id = api.post("/channels", json={}).json()["id"]
        body = shot(a_session(channel_id=channel_id), NOW)
        key = keys.dated(Kind.SNAPSHOT, channel_id, "session", NOW)
        store.replace(keys.latest_snapshot(channel_id), body, etag=None)
        assert api.get(f"/channels/{channel_id}/snapshots/latest").status_code == 404  # its own object is on its way
        (tmp_path / "picture").write_bytes(body)
        store.create(key, tmp_path / "picture", sha256=hashlib.sha256(body).hexdigest())

        item = api.get(f"/channels/{channel_id}/snapshots/latest").json()
        small = httpx.get(f"{item['url']}?width=100", trust_env=False)

    assert (item["key"], item["captured_at"]) == (key, times.text(NOW))
    assert httpx.get(item["url"], follow_redirects=True, trust_env=False).content == body
    assert (small.status_code, small.headers["Content-Type"]) == (200, "image/jpeg")
    assert len(small.content) < len(body)
