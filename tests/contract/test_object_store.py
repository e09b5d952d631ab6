from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.domain.errors import ObjectChanged, ObjectExists, ObjectNotFound, StoreUnavailable
from services.domain.ports import LocalFile, ObjectEraser, ObjectStore, StoredObject
from tests.contract import racing_tasks
from tests.contract.racing import RACERS, Racers

MakeSource = Callable[[bytes], Path]

KEY = "snapshots/camera/2026/11/20/10/session/20261120T100000.000Z.jpg"
HEAD = "sessions/camera/session/head.json"

IMPOSSIBLE_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "../outside",
    "a/../b",
    "a/../../outside",
    "a/./b",
    "a//b",
    "a/",
    "..",
    ".",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "a/.hidden",
    ".lock",
    "a" * 256,
    "a/" * 600 + "a",
    "a\ud800b",
]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def create(store: ObjectStore, key: str, source: Path) -> None:
    store.create(key, source, sha256=digest(source.read_bytes()))


def assert_one_winner_each(store: ObjectStore, won: list[list[str]]) -> None:
    """Check that each key was won by one racer and holds what that racer wrote."""
    winners = {key: number for number, keys in enumerate(won) for key in keys}
    assert sum(len(keys) for keys in won) == len(winners) == racing_tasks.KEYS_EACH
    assert all(store.read(key).body == b"%d" % number * 10_000 for key, number in winners.items())


def viewed(store: ObjectStore, key: str) -> bytes:
    """Give what a viewer gets from where the store says that an object is served."""
    place = store.locate(key, seconds=60)
    return place.path.read_bytes() if isinstance(place, LocalFile) else httpx.get(place.url).content


def test_the_addresses_of_objects_begin_with_the_stores_origin(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    place = store.locate(KEY, seconds=60)

    if isinstance(place, LocalFile):
        assert store.origin() is None
    else:
        assert place.url.startswith(f"{store.origin()}/")
        assert place.bytes == len(b"picture")


def test_a_created_object_can_be_read(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    assert store.read(KEY).body == b"picture"


def test_a_viewer_gets_a_created_object(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    assert viewed(store, KEY) == b"picture"


def test_an_empty_object_is_an_object(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b""))

    assert store.read(KEY).body == b""


def test_the_source_of_an_object_stays_where_it_is(store: ObjectStore, source: MakeSource) -> None:
    path = source(b"picture")

    create(store, KEY, path)

    assert path.read_bytes() == b"picture"


def test_what_an_object_is_told_of_itself_changes_nothing_else(store: ObjectStore, source: MakeSource) -> None:
    told = {"captured-at": "2026-11-20T10:00:00.000Z", "session": "session"}
    store.create(KEY, source(b"picture"), sha256=digest(b"picture"), metadata=told)
    create(store, KEY, source(b"picture"))  # one's own retry, whatever it tells
    tag = store.replace(HEAD, b"one", etag=None, metadata=told)
    store.replace(HEAD, b"two", etag=tag)

    assert (store.read(KEY).body, store.read(HEAD).body) == (b"picture", b"two")


def test_an_object_outlives_its_source(store: ObjectStore, source: MakeSource) -> None:
    path = source(b"picture")
    create(store, KEY, path)

    path.unlink()

    assert store.read(KEY).body == b"picture"


def test_creating_an_object_again_from_the_same_file_is_success(store: ObjectStore, source: MakeSource) -> None:
    path = source(b"picture")
    create(store, KEY, path)

    create(store, KEY, path)

    assert store.read(KEY).body == b"picture"


def test_creating_an_object_again_with_the_same_content_is_success(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    create(store, KEY, source(b"picture"))

    assert store.read(KEY).body == b"picture"


@pytest.mark.parametrize("other", [b"another", b"other picture, longer"])
def test_an_object_is_never_created_over_other_content(store: ObjectStore, source: MakeSource, other: bytes) -> None:
    create(store, KEY, source(b"picture"))

    with pytest.raises(ObjectExists):
        create(store, KEY, source(other))

    assert store.read(KEY).body == b"picture"


def test_an_object_that_nobody_stored_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFound):
        store.read(KEY)
    with pytest.raises(ObjectNotFound):
        store.locate(KEY, seconds=60)


def test_what_holds_objects_is_no_object(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    with pytest.raises(ObjectNotFound):
        store.read("snapshots/camera")
    with pytest.raises(ObjectNotFound):
        store.locate("snapshots/camera", seconds=60)


def test_an_object_holds_no_objects(store: ObjectStore, source: MakeSource) -> None:
    create(store, KEY, source(b"picture"))

    with pytest.raises(ObjectNotFound):
        store.read(f"{KEY}/within")


def test_a_replaced_object_has_the_tag_that_the_writer_was_given(store: ObjectStore) -> None:
    etag = store.replace(HEAD, b"one", etag=None)

    found = store.read(HEAD)

    assert (found.body, found.etag) == (b"one", etag)


def test_a_tag_changes_with_the_content(store: ObjectStore) -> None:
    first = store.replace(HEAD, b"one", etag=None)
    second = store.replace(HEAD, b"two", etag=first)

    assert first != second
    assert viewed(store, HEAD) == b"two"


@pytest.mark.parametrize("etag", [None, "wrong"])
def test_an_object_that_has_another_tag_is_not_replaced(store: ObjectStore, etag: str | None) -> None:
    store.replace(HEAD, b"one", etag=None)

    with pytest.raises(ObjectChanged):
        store.replace(HEAD, b"two", etag=etag)

    assert store.read(HEAD).body == b"one"


def test_a_writer_that_comes_late_overwrites_nothing(store: ObjectStore) -> None:
    first = store.replace(HEAD, b"one", etag=None)
    store.replace(HEAD, b"two", etag=first)

    with pytest.raises(ObjectChanged):
        store.replace(HEAD, b"late", etag=first)

    assert store.read(HEAD).body == b"two"


def test_an_object_that_does_not_exist_has_no_tag_to_match(store: ObjectStore) -> None:
    with pytest.raises(ObjectChanged):
        store.replace(HEAD, b"one", etag="wrong")

    with pytest.raises(ObjectNotFound):
        store.read(HEAD)


@pytest.mark.parametrize("key", IMPOSSIBLE_KEYS, ids=ascii)
def test_an_impossible_key_names_no_object(empty_store: ObjectStore, key: str) -> None:
    with pytest.raises(ObjectNotFound):
        empty_store.read(key)
    with pytest.raises(ObjectNotFound):
        empty_store.locate(key, seconds=60)


@pytest.mark.parametrize("key", IMPOSSIBLE_KEYS, ids=ascii)
def test_nothing_is_stored_under_an_impossible_key(empty_store: ObjectStore, source: MakeSource, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        create(empty_store, key, source(b"picture"))
    with pytest.raises(ValueError, match="key"):
        empty_store.replace(key, b"head", etag=None)


def test_a_store_that_works_says_so(empty_store: ObjectStore) -> None:
    empty_store.check()


def test_of_four_processes_one_creates_each_key(
    store: ObjectStore, store_world: str, tmp_path: Path, racers: Racers
) -> None:
    won = racers.run(racing_tasks.create_all, store_world, tmp_path, tmp_path)

    assert_one_winner_each(store, won)


def test_four_processes_that_change_one_object_lose_no_change(
    store: ObjectStore, store_world: str, tmp_path: Path, racers: Racers
) -> None:
    racers.run(racing_tasks.append_line, store_world, tmp_path)

    lines = store.read(HEAD).body.splitlines()
    assert sorted(lines) == sorted(
        b"%d-%d" % (racer, line) for racer in range(RACERS) for line in range(racing_tasks.LINES_EACH)
    )


def test_a_reader_sees_a_replaced_object_whole_even_when_its_writer_is_killed(
    store: ObjectStore, store_world: str, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    progress, theirs = context.Pipe(duplex=False)
    writer = context.Process(target=racing_tasks.replace_until_killed, args=(store_world, tmp_path, theirs))
    writer.start()
    theirs.close()
    seen: list[StoredObject] = []
    replaced = 0
    while replaced < 40:  # read all the time, not only when the writer has just told that it is done
        if progress.poll(0 if replaced else 30):
            replaced = progress.recv()
        with contextlib.suppress(StoreUnavailable):  # one server writes in place, and its reader is told to ask again
            seen.append(store.read("hls/camera/live.m3u8"))
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(30)

    with contextlib.suppress(StoreUnavailable):  # the same server keeps what it got of the upload that was cut off
        last = store.read("hls/camera/live.m3u8")
        seen.append(last)
        store.replace("hls/camera/live.m3u8", b"next", etag=last.etag)

    assert all(found.body == found.body[:1] * 1_000_000 for found in seen)


def test_removed_objects_are_gone_and_those_beside_them_stay(store: ObjectStore, source: MakeSource) -> None:
    assert isinstance(store, ObjectEraser)
    keys = [f"hls/camera/session/{number:09d}.ts" for number in range(3)]
    for key in (*keys, "hls/camera/other/000000000.ts"):
        create(store, key, source(key.encode()))
    store.replace("hls/camera/session/vod.m3u8", b"list", etag=None)

    store.remove([*keys[:2], "hls/camera/session/vod.m3u8"])

    for key in (*keys[:2], "hls/camera/session/vod.m3u8"):
        with pytest.raises(ObjectNotFound):
            store.read(key)
    assert store.read(keys[2]).body == keys[2].encode()
    assert store.read("hls/camera/other/000000000.ts").body == b"hls/camera/other/000000000.ts"


def test_what_is_not_there_is_removed_without_an_error(store: ObjectStore) -> None:
    assert isinstance(store, ObjectEraser)
    store.remove(["hls/camera/session/000000000.ts", *IMPOSSIBLE_KEYS])
    store.remove([])


def test_a_removed_key_may_be_used_again(store: ObjectStore, source: MakeSource) -> None:
    assert isinstance(store, ObjectEraser)
    create(store, KEY, source(b"one"))
    store.remove([KEY])
    create(store, KEY, source(b"another"))

    assert store.read(KEY).body == b"another"


def test_more_objects_are_removed_than_fit_in_one_call(store: ObjectStore, source: MakeSource) -> None:
    assert isinstance(store, ObjectEraser)
    create(store, KEY, source(b"last of many"))

    store.remove([*(f"hls/camera/session/{number:09d}.ts" for number in range(1_001)), KEY])

    with pytest.raises(ObjectNotFound):
        store.read(KEY)


def test_all_that_lies_under_a_prefix_is_removed_and_counted_and_nothing_else(
    store: ObjectStore, source: MakeSource
) -> None:
    assert isinstance(store, ObjectEraser)
    for name in ("session/a.ts", "session/b.ts", "session-2/a.ts"):
        create(store, f"hls/camera/{name}", source(name.encode()))

    assert store.remove_under("hls/camera/session/", 10) == 2
    assert store.remove_under("hls/camera/session/", 10) == 0
    assert store.remove_under("hls/camera/none/", 10) == 0

    with pytest.raises(ObjectNotFound):
        store.read("hls/camera/session/a.ts")
    assert store.read("hls/camera/session-2/a.ts").body == b"session-2/a.ts"


def test_no_more_is_removed_under_a_prefix_than_was_asked_for(store: ObjectStore, source: MakeSource) -> None:
    assert isinstance(store, ObjectEraser)
    for number in range(5):
        create(store, f"hls/camera/session/{number}.ts", source(b"%d" % number))

    assert [store.remove_under("hls/camera/session/", 2) for _ in range(4)] == [2, 2, 1, 0]
