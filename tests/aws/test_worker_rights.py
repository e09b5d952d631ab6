"""The worker's store under the rights it has on AWS: no list, and no write without the condition that is demanded."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from services.adapters.s3_store import S3Store
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import ObjectChanged, ObjectExists, ObjectNotFound, StoreUnavailable
from services.domain.times import utc
from services.worker.delivery.patience import AWAY_FAILURES, Patience
from tests.aws.templates import template
from tests.contract import s3_world
from tests.doubles.strict_s3 import Answer, Request, StrictS3, lose_answer, refuse
from tests.emulators import Emulators
from tests.worker.heard import until

SNAPSHOT = keys.dated(Kind.SNAPSHOT, "demo", "session", utc(1_795_000_000))
RECORDING = keys.dated(Kind.RECORDING, "demo", "session", utc(1_795_000_000))
IN_PLACE = [
    keys.latest_snapshot("demo"),
    keys.live_playlist("demo"),
    keys.vod_playlist("demo", "session"),
    keys.sprites("demo", "session"),
    keys.sprites("demo", "session", "sprite-0001.jpg"),
    keys.head("demo", "session"),
]
PART_BYTES = 5 * 2**20
_DENIED = refuse(403, "AccessDenied")

MakeSource = Callable[[bytes], Path]


class GuardedS3(StrictS3):
    """S3 with the bucket policy of access.yaml, asked by the role of worker.yaml."""

    def judge(self, request: Request) -> Answer:
        if not self._may(request):
            return self._denied(request)
        answer = super().judge(request)
        return self._denied(request) if answer.status == 404 else answer

    def _denied(self, request: Request) -> Answer:
        answer = _DENIED(self, request)
        assert answer is not None
        return answer

    def _may(self, request: Request) -> bool:
        place = urlsplit(request.path)
        key = unquote(place.path).partition("/")[2].partition("/")[2]  # of the bucket itself there is none
        if not any(key.startswith(f"{kind}/") for kind in ("snapshots", "recordings", "hls", "sessions")):
            return False
        if request.method in ("GET", "HEAD"):
            return True
        return request.method in ("PUT", "POST") and _is_conditional(request, key, parse_qs(place.query, True))


def _is_conditional(request: Request, key: str, query: dict[str, list[str]]) -> bool:
    """Judge a write by the statements of the policy that deny it."""
    makes_object = not ("uploads" in query or "partNumber" in query)
    given = {f"s3:{name}" for name in ("if-none-match", "if-match") if request.headers.get(name)}
    statements = template("access").of("AWS::S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]["Statement"]
    for statement in statements:
        if statement["Action"] != "s3:PutObject" or not makes_object:
            continue
        if any(_is_of(key, pattern) for pattern in statement.get("NotResource", [])):
            continue
        if not given & set(statement["Condition"]["Null"]):
            return False
    return True


def _is_of(key: str, pattern: str) -> bool:
    return fnmatchcase(key, re.sub(r"^arn:aws:s3:::bucket/", "", pattern))


@pytest.fixture
def guarded(emulators: Emulators, tmp_path: Path) -> Iterator[GuardedS3]:
    s3_world.make_bucket(tmp_path, emulators.url("ministack"))
    with GuardedS3(emulators.url("ministack")) as guarded:
        yield guarded


@pytest.fixture
def store(guarded: GuardedS3, tmp_path: Path) -> Iterator[S3Store]:
    bucket = s3_world.bucket_of(tmp_path)
    with closing(
        S3Store(bucket, endpoint=guarded.url, may_list=False, multipart_bytes=PART_BYTES, part_bytes=PART_BYTES)
    ) as store:
        yield store


@pytest.fixture
def source(tmp_path: Path) -> MakeSource:
    def made(body: bytes) -> Path:
        path = tmp_path / "source"
        path.write_bytes(body)
        return path

    return made


def _create(store: S3Store, key: str, path: Path) -> None:
    store.create(key, path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("key", IN_PLACE)
def test_what_changes_in_place_is_written_the_first_time_and_again(store: S3Store, key: str) -> None:
    with pytest.raises(ObjectNotFound):
        store.read(key)

    first = store.replace(key, b"one", etag=None)
    store.replace(key, b"two", etag=first)

    assert store.read(key).body == b"two"
    with pytest.raises(ObjectChanged):
        store.replace(key, b"three", etag=first)


@pytest.mark.parametrize(
    "key", [SNAPSHOT, RECORDING, keys.segment("demo", "session", 7), keys.chunk("demo", "session", 1)]
)
def test_media_is_created_and_a_second_try_is_told_from_anothers_content(
    store: S3Store, source: MakeSource, key: str
) -> None:
    _create(store, key, source(b"media"))
    _create(store, key, source(b"media"))

    with pytest.raises(ObjectExists):
        _create(store, key, source(b"others"))


def test_a_large_recording_goes_in_parts(store: S3Store, source: MakeSource, guarded: GuardedS3) -> None:
    _create(store, RECORDING, source(b"m" * (2 * PART_BYTES + 1)))

    assert len([each for each in guarded.of("PUT") if "partNumber=" in each.path]) == 3
    assert store.locate(RECORDING, seconds=1).bytes == 2 * PART_BYTES + 1


def test_media_is_not_replaced_whatever_is_known_of_it(store: S3Store) -> None:
    first = store.replace(SNAPSHOT, b"one", etag=None)

    with pytest.raises(StoreUnavailable):
        store.replace(SNAPSHOT, b"two", etag=first)


def test_nothing_is_written_outside_the_four_folders(store: S3Store) -> None:
    with pytest.raises(StoreUnavailable):
        store.replace("deploy/links.json", b"x", etag=None)


def test_a_store_that_answers_is_there_though_it_refuses_to_tell_of_the_bucket(
    store: S3Store, guarded: GuardedS3
) -> None:
    store.check()

    assert [request.path.strip("/").count("/") for request in guarded.of("HEAD")] == [0], "the bucket was asked for"


def test_a_store_that_does_not_answer_is_not_there(store: S3Store, guarded: GuardedS3) -> None:
    guarded.meet("HEAD", refuse(500, "InternalError"))
    with pytest.raises(StoreUnavailable):
        store.check()

    guarded.meet("HEAD", lose_answer)
    with pytest.raises(StoreUnavailable):
        store.check()


def test_who_may_list_is_told_of_a_refusal(guarded: GuardedS3, tmp_path: Path) -> None:
    with (
        closing(S3Store(s3_world.bucket_of(tmp_path), endpoint=guarded.url)) as store,
        pytest.raises(StoreUnavailable, match="access is denied"),
    ):
        store.check()


def test_the_workers_probe_notices_that_the_store_is_back(store: S3Store, guarded: GuardedS3) -> None:
    guarded.meet("GET", refuse(500, "InternalError"), times=AWAY_FAILURES)
    guarded.meet("HEAD", lose_answer)

    async def outage() -> None:
        with Patience(name="store", probe=store.check) as patience:
            for _ in range(AWAY_FAILURES):
                with pytest.raises(StoreUnavailable):
                    await patience.thread(partial(store.read, SNAPSHOT))
            running = asyncio.create_task(patience.run())
            await until(lambda: patience.returns == 1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(outage())
    assert len(guarded.of("HEAD")) == 2
