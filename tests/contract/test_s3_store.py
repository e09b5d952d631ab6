"""What is true of the bucket of objects besides the contract."""

from __future__ import annotations

import base64
import hashlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.adapters.s3_store import S3Store
from services.domain import keys
from services.domain.errors import (
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
    StreamkeepError,
)
from tests.contract import s3_world
from tests.contract.test_object_store import HEAD, KEY, MakeSource, create
from tests.doubles.strict_s3 import StrictS3, corrupt, hold, lose_answer, refuse
from tests.emulators import CREDENTIALS, Emulators
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

RECORDING = "recordings/camera/2026/11/20/10/session/20261120T100000.000Z.mp4"
PART_BYTES = 5 * 2**20  # the least that S3, and moto, take

OpenStore = Callable[..., S3Store]


@pytest.fixture
def endpoint(emulators: Emulators) -> str:
    return emulators.url("ministack")


@dataclass(frozen=True)
class Bucket:
    """The bucket as others see it."""

    client: S3Client
    name: str

    def put(self, key: str, body: bytes, **more: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)  # type: ignore[arg-type] # any parameter

    def head(self, key: str) -> HeadObjectOutputTypeDef:
        return self.client.head_object(Bucket=self.name, Key=key)

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def unfinished(self) -> list[str]:
        return [upload["Key"] for upload in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])]


@pytest.fixture
def bucket(tmp_path: Path, endpoint: str) -> Bucket:
    s3_world.make_bucket(tmp_path, endpoint)
    return Bucket(s3_world.client_of(endpoint), s3_world.bucket_of(tmp_path))


@pytest.fixture
def strict(endpoint: str) -> Iterator[StrictS3]:
    with StrictS3(endpoint) as strict:
        yield strict


@pytest.fixture
def open_store(bucket: Bucket, strict: StrictS3) -> Iterator[OpenStore]:
    opened: list[S3Store] = []

    def open_one(**parameters: Any) -> S3Store:  # noqa: ANN401 - as the store takes them
        opened.append(S3Store(bucket.name, endpoint=strict.url, **parameters))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> S3Store:
    return open_store()


@pytest.fixture
def in_parts(open_store: OpenStore) -> S3Store:
    """Give a store that sends what is larger than one part in parts."""
    return open_store(multipart_bytes=PART_BYTES, part_bytes=PART_BYTES)


@pytest.fixture(scope="session")
def large() -> bytes:
    """Give what goes in three parts."""
    return os.urandom(2 * PART_BYTES + 12_345)


def test_a_new_object_is_sent_once_with_its_condition_and_its_checksum(
    store: S3Store, strict: StrictS3, source: MakeSource
) -> None:
    create(store, KEY, source(b"picture"))

    (request,) = strict.requests
    digest = hashlib.sha256(b"picture")
    assert (request.method, request.path, request.body) == ("PUT", urlsplit(request.path).path, b"picture")
    assert request.headers["If-None-Match"] == "*"
    assert request.headers["x-amz-checksum-sha256"] == base64.b64encode(digest.digest()).decode()
    assert request.headers["x-amz-meta-sha256"] == digest.hexdigest()
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256")


@pytest.mark.parametrize("size", [7, 3 * 2**20], ids=["in memory", "from the file"])
def test_a_byte_that_changes_on_the_way_is_noticed_and_sent_again(
    store: S3Store, strict: StrictS3, source: MakeSource, size: int
) -> None:
    path = source(b"p" * size)
    strict.meet("PUT", corrupt)

    with pytest.raises(StoreUnavailable, match="BadDigest"):
        create(store, KEY, path)
    create(store, KEY, path)

    assert store.read(KEY).body == b"p" * size


def test_creating_whose_answer_was_lost_is_success_when_tried_again(
    store: S3Store, strict: StrictS3, source: MakeSource
) -> None:
    path = source(b"picture")
    strict.meet("PUT", lose_answer)

    with pytest.raises(StoreUnavailable):
        create(store, KEY, path)
    create(store, KEY, path)

    assert store.read(KEY).body == b"picture"


def test_what_took_a_key_and_is_gone_again_lets_the_caller_try_again(
    store: S3Store, strict: StrictS3, source: MakeSource
) -> None:
    strict.meet("PUT", refuse(412, "PreconditionFailed"))

    with pytest.raises(StoreBusy):
        create(store, KEY, source(b"picture"))


def test_an_object_that_somebody_put_there_by_hand_is_never_overwritten(
    store: S3Store, bucket: Bucket, source: MakeSource
) -> None:
    bucket.put(KEY, b"picture")

    with pytest.raises(ObjectExists):
        create(store, KEY, source(b"picture"))


def test_replacing_whose_answer_was_lost_is_success_when_tried_again(store: S3Store, strict: StrictS3) -> None:
    first = store.replace(HEAD, b"one", etag=None)
    strict.meet("PUT", lose_answer)

    with pytest.raises(StoreUnavailable):
        store.replace(HEAD, b"two", etag=first)
    second = store.replace(HEAD, b"two", etag=first)

    assert (store.read(HEAD).body, store.read(HEAD).etag) == (b"two", second)


def test_a_first_version_whose_answer_was_lost_is_success_when_tried_again(store: S3Store, strict: StrictS3) -> None:
    strict.meet("PUT", lose_answer)

    with pytest.raises(StoreUnavailable):
        store.replace(HEAD, b"one", etag=None)

    assert store.replace(HEAD, b"one", etag=None) == store.read(HEAD).etag


def test_another_writer_that_wrote_the_same_is_still_another(open_store: OpenStore) -> None:
    ours, theirs = open_store(), open_store()
    etag = ours.replace(HEAD, b"one", etag=None)
    theirs.replace(HEAD, b"two", etag=etag)

    with pytest.raises(ObjectChanged):
        ours.replace(HEAD, b"two", etag=etag)


def test_an_object_that_was_removed_is_not_replaced(store: S3Store, bucket: Bucket) -> None:
    etag = store.replace(HEAD, b"one", etag=None)
    bucket.remove(HEAD)

    with pytest.raises(ObjectChanged):
        store.replace(HEAD, b"two", etag=etag)


@pytest.mark.parametrize(
    ("refusal", "ours"),
    [
        ((503, "SlowDown"), StoreBusy),
        ((429, "TooManyRequests"), StoreBusy),
        ((400, "RequestLimitExceeded"), StoreBusy),
        ((409, "ConditionalRequestConflict"), StoreBusy),
        ((500, "InternalError"), StoreUnavailable),
        ((507, "XMinioStorageFull"), StoreFull),
    ],
)
def test_what_passes_by_itself_is_said_to_the_caller_who_tries_again(
    store: S3Store, strict: StrictS3, source: MakeSource, refusal: tuple[int, str], ours: type[StreamkeepError]
) -> None:
    path = source(b"picture")
    strict.meet("PUT", refuse(*refusal), times=2)

    with pytest.raises(ours, match=refusal[1]) as created:
        create(store, KEY, path)
    with pytest.raises(ours, match=refusal[1]) as replaced:
        store.replace(HEAD, b"one", etag=None)

    assert (type(created.value), type(replaced.value)) == (ours, ours)
    assert len(strict.requests) == 2
    create(store, KEY, path)


def test_a_store_of_many_attempts_asks_a_busy_bucket_again_itself(open_store: OpenStore, strict: StrictS3) -> None:
    store = open_store(attempts=2)
    store.replace(HEAD, b"one", etag=None)
    strict.meet("GET", refuse(503, "SlowDown"))

    assert store.read(HEAD).body == b"one"
    assert len(strict.of("GET")) == 2


def test_an_object_that_arrives_corrupted_is_read_again_or_not_at_all(open_store: OpenStore, bucket: Bucket) -> None:
    # The emulator keeps the checksum that came with an object, whatever the object.
    bucket.put(HEAD, b"one", ChecksumSHA256=base64.b64encode(b"0" * 32).decode())

    with pytest.raises(StoreUnavailable, match="checksum"):
        open_store().read(HEAD)


def test_a_read_of_many_attempts_reads_a_corrupted_body_so_often(
    open_store: OpenStore, strict: StrictS3, bucket: Bucket
) -> None:
    bucket.put(HEAD, b"one", ChecksumSHA256=base64.b64encode(b"0" * 32).decode())

    with pytest.raises(StoreUnavailable, match="checksum"):
        open_store(attempts=3).read(HEAD)
    assert len(strict.of("GET")) == 3


def test_a_busy_bucket_is_there(store: S3Store, strict: StrictS3) -> None:
    strict.meet("HEAD", refuse(503, "SlowDown"))

    store.check()
    assert len(strict.of("HEAD")) == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (403, "access is denied: set STREAMKEEP_BUCKET to a bucket of yours"),
        (400, "correct AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_bucket_that_may_not_be_used_is_an_error_that_says_what_to_do(
    store: S3Store, strict: StrictS3, status: int, remedy: str
) -> None:
    strict.meet("HEAD", refuse(status, "-"))

    with pytest.raises(StoreUnavailable, match=remedy):
        store.check()


def test_a_bucket_that_is_missing_is_an_error_that_says_what_to_do(endpoint: str, source: MakeSource) -> None:
    store = S3Store("nobodys-bucket", endpoint=endpoint)
    remedy = r"nobodys-bucket: there is no such bucket: set STREAMKEEP_BUCKET .* or run `streamkeep prepare`"

    with pytest.raises(StoreUnavailable, match=remedy):
        store.check()
    with pytest.raises(StoreUnavailable, match=remedy):
        create(store, KEY, source(b"picture"))
    with pytest.raises(StoreUnavailable, match=remedy):
        store.replace(HEAD, b"one", etag="wrong")
    with pytest.raises(StoreUnavailable, match=remedy):
        store.read(KEY)


def test_a_server_that_is_not_there_is_an_error_within_seconds(source: MakeSource) -> None:
    store = S3Store("bucket", endpoint="http://127.0.0.1:9", attempts=3)
    began = time.monotonic()

    with pytest.raises(StoreUnavailable):
        create(store, KEY, source(b"picture"))
    with pytest.raises(StoreUnavailable):
        store.check()
    assert time.monotonic() - began < 15


def test_an_object_carries_its_content_type_and_how_long_it_may_be_kept(
    store: S3Store, bucket: Bucket, source: MakeSource
) -> None:
    for_ever = "private, max-age=31536000, immutable"
    described = {
        KEY: ("image/jpeg", for_ever),
        RECORDING: ("video/mp4", for_ever),
        keys.segment("camera", "session", 1): ("video/mp2t", for_ever),
        keys.chunk("camera", "session", 1): ("application/json", "no-cache"),
    }
    for key in described:
        create(store, key, source(b"body"))

    found = {key: bucket.head(key) for key in described}
    viewed = {key: httpx.get(store.locate(key, seconds=60).url).headers for key in described}
    assert {key: (head["ContentType"], head["CacheControl"]) for key, head in found.items()} == described
    assert {key: (head["Content-Type"], head["Cache-Control"]) for key, head in viewed.items()} == described


def test_what_changes_in_place_carries_its_content_type_too(store: S3Store, bucket: Bucket) -> None:
    store.replace(keys.live_playlist("camera"), b"#EXTM3U\n", etag=None)

    found = bucket.head(keys.live_playlist("camera"))
    assert (found["ContentType"], found["CacheControl"]) == ("application/vnd.apple.mpegurl", "no-cache")


def test_an_object_carries_what_it_is_told_of_itself_however_it_is_written(
    in_parts: S3Store, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    told = {"captured-at": "2026-11-20T10:00:00.000Z", "session": "session"}
    for key, body in ((KEY, b"picture"), (RECORDING, large)):
        in_parts.create(key, source(body), sha256=hashlib.sha256(body).hexdigest(), metadata=told)
    latest = keys.latest_snapshot("camera")
    first = in_parts.replace(latest, b"picture", etag=None, metadata=told)
    in_parts.replace(latest, b"next", etag=first, metadata={**told, "captured-at": "2026-11-20T10:00:02.000Z"})

    for key in (KEY, RECORDING):
        found = bucket.head(key)["Metadata"]
        assert {name: found[name] for name in told} == told
    assert bucket.head(latest)["Metadata"]["captured-at"] == "2026-11-20T10:00:02.000Z"


def test_a_viewer_gets_the_right_type_of_what_came_here_with_a_wrong_one(store: S3Store, bucket: Bucket) -> None:
    bucket.put(KEY, b"picture", ContentType="text/html")

    assert httpx.get(store.locate(KEY, seconds=60).url).headers["Content-Type"] == "image/jpeg"


def test_a_viewer_may_ask_for_a_range(store: S3Store, source: MakeSource) -> None:
    create(store, RECORDING, source(b"0123456789"))

    answer = httpx.get(store.locate(RECORDING, seconds=60).url, headers={"Range": "bytes=2-4"})

    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Range"] == "bytes 2-4/10"


def test_an_address_lives_as_long_as_asked_and_never_over_fifteen_minutes(store: S3Store, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    told = {seconds: parse_qs(urlsplit(store.locate(KEY, seconds=seconds).url).query) for seconds in (60, 900, 86_400)}

    lives = {seconds: query["X-Amz-Expires"] for seconds, query in told.items()}
    assert lives == {60: ["60"], 900: ["900"], 86_400: ["900"]}


def test_an_address_that_has_expired_is_refused(store: S3Store, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))
    url = store.locate(KEY, seconds=2).url  # counted from the last whole second

    assert httpx.get(url).status_code == 200
    eventually(lambda: httpx.get(url).status_code == 403, within=5, what="the address has expired")


def test_an_object_up_to_the_limit_goes_at_once(in_parts: S3Store, strict: StrictS3, source: MakeSource) -> None:
    create(in_parts, RECORDING, source(b"r" * PART_BYTES))

    assert [request.method for request in strict.requests] == ["PUT"]


def test_a_larger_object_goes_in_parts_with_their_checksums_and_appears_under_its_condition(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    create(in_parts, RECORDING, source(large))

    parts, (_, completion) = strict.of("PUT"), strict.of("POST")
    assert b"".join(part.body for part in parts) == large
    assert len(parts) == 3
    assert all(part.headers["x-amz-checksum-sha256"] for part in parts)
    assert completion.headers["If-None-Match"] == "*"
    found = bucket.head(RECORDING)
    assert (found["ContentType"], found["ContentLength"]) == ("video/mp4", len(large))
    assert found["Metadata"]["sha256"] == hashlib.sha256(large).hexdigest()
    assert in_parts.read(RECORDING).body == large


def test_an_object_in_parts_is_not_there_before_its_last_part(
    in_parts: S3Store, strict: StrictS3, source: MakeSource, large: bytes
) -> None:
    strict.meet("POST", refuse(503, "SlowDown"), part="uploadId")

    with pytest.raises(StoreBusy):
        create(in_parts, RECORDING, source(large))
    with pytest.raises(ObjectNotFound):
        in_parts.read(RECORDING)


def test_nothing_is_left_of_parts_that_failed(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    path = source(large)
    strict.meet("PUT", refuse(500, "InternalError"), part="partNumber=2")
    strict.meet("POST", refuse(500, "InternalError"), part="uploadId")

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            create(in_parts, RECORDING, path)
        assert bucket.unfinished() == []
    create(in_parts, RECORDING, path)

    assert in_parts.read(RECORDING).body == large


def test_a_part_that_changes_on_the_way_is_noticed(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    strict.meet("PUT", corrupt, part="partNumber=2")

    with pytest.raises(StoreUnavailable, match="BadDigest"):
        create(in_parts, RECORDING, source(large))
    assert bucket.unfinished() == []


def test_parts_of_a_file_that_is_not_what_its_checksum_says_become_no_object(
    in_parts: S3Store, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    with pytest.raises(StoreUnavailable, match="is not what its checksum says"):
        in_parts.create(RECORDING, source(large), sha256=hashlib.sha256(b"other").hexdigest())

    assert bucket.unfinished() == []
    with pytest.raises(ObjectNotFound):
        in_parts.read(RECORDING)


def test_parts_whose_last_answer_was_lost_are_not_sent_again(
    in_parts: S3Store, strict: StrictS3, source: MakeSource, large: bytes
) -> None:
    path = source(large)
    strict.meet("POST", lose_answer, part="uploadId")
    with pytest.raises(StoreUnavailable):
        create(in_parts, RECORDING, path)
    sent = len(strict.of("PUT"))

    create(in_parts, RECORDING, path)

    assert len(strict.of("PUT")) == sent


def test_parts_never_become_an_object_over_another_that_came_meanwhile(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    create(in_parts, RECORDING, source(b"another"))
    strict.meet("HEAD", refuse(404, "-"))  # as it was before the other came

    with pytest.raises(ObjectExists):
        create(in_parts, RECORDING, source(large))

    assert bucket.unfinished() == []
    assert in_parts.read(RECORDING).body == b"another"


def create_in_parts(bucket: str, endpoint: str, path: Path) -> None:
    store = S3Store(bucket, endpoint=endpoint, multipart_bytes=PART_BYTES, part_bytes=PART_BYTES)
    create(store, RECORDING, path)


def signalled_while_held(number: signal.Signals, held: threading.Event, *order: object) -> int | None:
    """Let a process create an object, signal it once its request is held, and give its exit code."""
    writer = multiprocessing.get_context("spawn").Process(target=create_in_parts, args=order)
    writer.start()
    assert held.wait(30)
    assert writer.pid is not None
    os.kill(writer.pid, number)
    writer.join(30)
    return writer.exitcode


def test_a_writer_that_is_interrupted_leaves_no_parts(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, large: bytes
) -> None:
    path, held = source(large), threading.Event()
    strict.meet("PUT", hold(held), part="partNumber=3")
    exitcode = signalled_while_held(signal.SIGINT, held, bucket.name, strict.url, path)

    assert exitcode == 1
    assert bucket.unfinished() == []
    create(in_parts, RECORDING, path)


@pytest.mark.parametrize("size", [PART_BYTES, 3 * PART_BYTES], ids=["at once", "in parts"])
def test_what_a_killed_writer_was_sending_is_no_object_and_the_next_one_creates_it(
    in_parts: S3Store, strict: StrictS3, bucket: Bucket, source: MakeSource, size: int
) -> None:
    path, held = source(b"r" * size), threading.Event()
    strict.meet("PUT", hold(held), part="partNumber=3" if size > PART_BYTES else "")
    signalled_while_held(signal.SIGKILL, held, bucket.name, strict.url, path)

    with pytest.raises(ObjectNotFound):
        in_parts.read(RECORDING)
    create(in_parts, RECORDING, path)
    assert in_parts.read(RECORDING).body == b"r" * size


def test_what_a_server_got_of_an_upload_that_was_cut_short_is_no_object(bucket: Bucket, endpoint: str) -> None:
    body, server = b"half of it", urlsplit(endpoint)
    url = bucket.client.generate_presigned_url("put_object", Params={"Bucket": bucket.name, "Key": KEY})
    head = (
        f"PUT {url.removeprefix(endpoint)} HTTP/1.1\r\nHost: {server.netloc}\r\nContent-Length: {2 * len(body)}\r\n\r\n"
    )
    with socket.create_connection((server.hostname or "", server.port or 0), timeout=10) as uploading:
        uploading.sendall(head.encode() + body)
        uploading.shutdown(socket.SHUT_WR)
        while uploading.recv(1024):
            pass  # until the server has done with it

    assert bucket.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 0


def test_no_region_and_no_credentials_are_errors_that_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    with pytest.raises(StoreUnavailable, match="set AWS_REGION"):
        S3Store("bucket")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(StoreUnavailable, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        S3Store("bucket").check()


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_the_endpoint_may_come_from_the_environment_and_takes_buckets_in_its_path(
    monkeypatch: pytest.MonkeyPatch, strict: StrictS3, bucket: Bucket, name: str
) -> None:
    monkeypatch.setenv(name, strict.url.replace("127.0.0.1", "localhost"))
    store = S3Store(bucket.name)

    store.replace(HEAD, b"one", etag=None)

    assert [request.path for request in strict.requests] == [f"/{bucket.name}/{HEAD}"]


@pytest.mark.parametrize(
    ("bucket_name", "place"),
    [
        ("my-bucket", "my-bucket.s3.eu-central-1.amazonaws.com/a/b.jpg"),
        ("my.bucket", "s3.eu-central-1.amazonaws.com/my.bucket/a/b.jpg"),  # a certificate covers no dots
    ],
)
def test_on_aws_itself_an_address_is_that_of_the_region_so_that_its_signature_fits(
    monkeypatch: pytest.MonkeyPatch, bucket_name: str, place: str
) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    url = urlsplit(S3Store(bucket_name)._address("a/b.jpg", seconds=60))

    assert f"{url.netloc}{url.path}" == place
    assert parse_qs(url.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
