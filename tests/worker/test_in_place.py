from __future__ import annotations

import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain.errors import LeaseLost, ObjectNotFound
from services.worker.delivery.in_place import InPlace

pytestmark = pytest.mark.anyio

KEY = "hls/camera/live.m3u8"


class Standing:
    """The lease as a writer sees it: counts the questions, and says when it is lost."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_lost = False

    async def still_ours(self) -> None:
        self.asked += 1
        if self.is_lost:
            raise LeaseLost


def content(store: DirectoryStore) -> bytes:
    return store.read(KEY).body


def overwrite(store: DirectoryStore, body: bytes) -> None:
    store.replace(KEY, body, etag=store.read(KEY).etag)


async def test_the_first_write_makes_the_object(objects: DirectoryStore) -> None:
    await InPlace(objects, KEY, Standing().still_ours).write(b"ours")

    assert content(objects) == b"ours"


async def test_the_first_write_takes_over_what_an_earlier_worker_left(objects: DirectoryStore) -> None:
    objects.replace(KEY, b"an earlier worker's", etag=None)
    await InPlace(objects, KEY, Standing().still_ours).write(b"ours")

    assert content(objects) == b"ours"


async def test_the_first_write_of_a_worker_that_lost_its_lease_takes_nothing_over(objects: DirectoryStore) -> None:
    objects.replace(KEY, b"a newer worker's", etag=None)
    standing = Standing()
    standing.is_lost = True

    with pytest.raises(LeaseLost):
        await InPlace(objects, KEY, standing.still_ours).write(b"ours")
    assert content(objects) == b"a newer worker's"


async def test_later_writes_do_not_ask_for_the_lease(objects: DirectoryStore) -> None:
    standing = Standing()
    file = InPlace(objects, KEY, standing.still_ours)
    for number in range(4):
        await file.write(b"%d" % number)

    assert content(objects) == b"3"
    assert standing.asked == 1


async def test_a_conflict_with_nobody_newer_is_taken_over_again(objects: DirectoryStore) -> None:
    standing = Standing()
    file = InPlace(objects, KEY, standing.still_ours)
    await file.write(b"ours")
    overwrite(objects, b"a late write of an earlier worker")
    await file.write(b"ours again")

    assert content(objects) == b"ours again"
    assert standing.asked == 2


async def test_a_conflict_with_a_newer_worker_overwrites_nothing(objects: DirectoryStore) -> None:
    standing = Standing()
    file = InPlace(objects, KEY, standing.still_ours)
    await file.write(b"ours")
    overwrite(objects, b"a newer worker's")
    standing.is_lost = True

    with pytest.raises(LeaseLost):
        await file.write(b"ours again")
    assert content(objects) == b"a newer worker's"


async def test_an_object_that_was_removed_is_made_again(objects: DirectoryStore) -> None:
    file = InPlace(objects, KEY, Standing().still_ours)
    await file.write(b"ours")
    objects.locate(KEY, seconds=1).path.unlink()
    with pytest.raises(ObjectNotFound):
        objects.read(KEY)
    await file.write(b"ours again")

    assert content(objects) == b"ours again"
