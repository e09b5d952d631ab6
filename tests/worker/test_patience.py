from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog

from services.adapters import s3_bucket
from services.adapters.s3_store import S3Store
from services.worker.patience import blocking
from tests.doubles.strict_s3 import StrictS3, refuse
from tests.emulators import Emulators

pytestmark = pytest.mark.anyio

KEY = "recordings/camera/1.mp4"


@pytest.fixture
def strict(emulators: Emulators) -> Iterator[StrictS3]:
    with StrictS3(emulators.url("ministack")) as strict:
        yield strict


@pytest.fixture
def store(strict: StrictS3) -> S3Store:
    s3_bucket.prepare("busy-bucket", endpoint=strict.url)
    return S3Store("busy-bucket", endpoint=strict.url)


async def test_a_store_that_asks_to_slow_down_is_asked_ever_less_often_until_it_takes_the_object(
    store: S3Store, strict: StrictS3, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"recording")
    digest = hashlib.sha256(b"recording").hexdigest()
    strict.meet("PUT", refuse(503, "SlowDown"), times=2, part=KEY)
    strict.meet("PUT", refuse(409, "ConditionalRequestConflict"), part=KEY)

    with structlog.testing.capture_logs() as logs:
        await blocking(partial(store.create, KEY, source, sha256=digest))

    assert store.read(KEY).body == b"recording"
    waits = [line["wait_for"] for line in logs]
    assert len(waits) == 3
    assert waits[2] > waits[0]
    assert all("StoreBusy" in line["caused_by"] and "StoreUnavailable" not in line["caused_by"] for line in logs)
