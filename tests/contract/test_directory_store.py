"""What is true of the folder of objects besides the contract."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.adapters.directory_store import READ_ERRORS, WRITE_ERRORS, DirectoryStore, translated
from services.domain.errors import ObjectExists, ObjectNotFound, StoreFull, StoreUnavailable, StreamkeepError
from services.domain.ports import LocalFile
from tests.contract import racing_tasks
from tests.contract.racing import Racers
from tests.contract.test_object_store import HEAD, KEY, MakeSource, assert_one_winner_each, create

MEMORY = Path("/dev/shm")  # noqa: S108 - another file system, and the test makes a folder of its own there


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def directory(root: Path) -> DirectoryStore:
    return DirectoryStore(root)


@pytest.fixture
def memory(root: Path, directory: DirectoryStore) -> Iterator[Path]:
    """Give a folder on another file system than the objects'."""
    directory.check()
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == root.stat().st_dev:
        pytest.skip("needs /dev/shm on a file system of its own")
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def elsewhere(memory: Path) -> MakeSource:
    """Make a source on another file system than the objects'."""

    def make(body: bytes) -> Path:
        path = memory / f"{len(list(memory.iterdir()))}.bin"
        path.write_bytes(body)
        return path

    return make


def names(root: Path) -> list[str]:
    """Give what a person who lists everything sees."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_an_object_is_the_file_of_its_key(directory: DirectoryStore, root: Path, source: MakeSource) -> None:
    create(directory, KEY, source(b"picture"))

    assert names(root) == [KEY]
    assert directory.locate(KEY, seconds=60) == LocalFile(path=root / KEY)


def test_an_object_on_the_disk_of_its_source_costs_no_copy(
    directory: DirectoryStore, root: Path, source: MakeSource
) -> None:
    path = source(b"picture")

    create(directory, KEY, path)

    assert (root / KEY).samefile(path)


def test_a_source_on_another_file_system_is_copied(
    directory: DirectoryStore, root: Path, elsewhere: MakeSource
) -> None:
    path = elsewhere(b"picture")

    create(directory, KEY, path)

    assert names(root) == [KEY]
    assert (root / KEY).read_bytes() == path.read_bytes()


def test_a_copy_never_overwrites_an_object(directory: DirectoryStore, root: Path, elsewhere: MakeSource) -> None:
    create(directory, KEY, elsewhere(b"picture"))

    create(directory, KEY, elsewhere(b"picture"))
    with pytest.raises(ObjectExists):
        create(directory, KEY, elsewhere(b"another"))

    assert names(root) == [KEY]
    assert (root / KEY).read_bytes() == b"picture"


def test_of_four_processes_that_copy_one_creates_each_key(
    directory: DirectoryStore, tmp_path: Path, memory: Path, racers: Racers
) -> None:
    won = racers.run(racing_tasks.create_all, "directory", tmp_path, memory)

    assert_one_winner_each(directory, won)


def test_a_replaced_object_leaves_only_hidden_files_beside_it(directory: DirectoryStore, root: Path) -> None:
    directory.replace(HEAD, b"one", etag=None)

    assert [name for name in names(root) if "/." not in name] == [HEAD]


def test_a_viewer_reads_to_its_end_what_is_replaced_meanwhile(directory: DirectoryStore) -> None:
    etag = directory.replace(HEAD, b"one", etag=None)

    with directory.locate(HEAD, seconds=60).path.open("rb") as viewer:
        directory.replace(HEAD, b"another", etag=etag)

        assert viewer.read() == b"one"


def test_what_a_killed_writer_left_is_no_object(directory: DirectoryStore, root: Path) -> None:
    directory.replace(HEAD, b"one", etag=None)
    left = root / HEAD
    left.with_name(".0123.tmp").write_bytes(b"half")

    with pytest.raises(ObjectNotFound):
        directory.read("sessions/camera/session/.0123.tmp")
    directory.check()


def test_a_symbolic_link_out_of_the_folder_leads_to_no_object(
    directory: DirectoryStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)

    for key in ("link", "folder/secret"):
        with pytest.raises(ObjectNotFound):
            directory.read(key)
        with pytest.raises(ObjectNotFound):
            directory.locate(key, seconds=60)


def test_nothing_is_written_through_a_symbolic_link_out_of_the_folder(
    directory: DirectoryStore, root: Path, tmp_path: Path, source: MakeSource
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "folder").symlink_to(outside)

    with pytest.raises(ValueError, match="symbolic link"):
        create(directory, "folder/deeper/object", source(b"picture"))
    with pytest.raises(ValueError, match="symbolic link"):
        directory.replace("folder/object", b"head", etag=None)

    assert list(outside.iterdir()) == []


def test_links_that_go_round_lead_to_no_object(directory: DirectoryStore, root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")

    with pytest.raises(ObjectNotFound):
        directory.read("a/object")


def test_a_folder_reached_by_a_link_is_a_fine_place_for_objects(tmp_path: Path, source: MakeSource) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "big disk")
    directory = DirectoryStore(tmp_path / "data" / "objects")

    create(directory, KEY, source(b"picture"))

    assert directory.read(KEY).body == b"picture"


def test_too_little_room_is_an_error_that_names_both_numbers(root: Path) -> None:
    needed = 10**18

    with pytest.raises(StoreFull, match=rf"\d+ bytes are free, {needed} are needed; make room"):
        DirectoryStore(root, min_free_bytes=needed).check()


def test_a_folder_that_is_gone_is_an_error_that_names_it(directory: DirectoryStore, root: Path) -> None:
    root.rmdir()

    with pytest.raises(StoreUnavailable, match=r"object folder .*objects: No such file or directory"):
        directory.check()


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnavailable, match=r"object folder .*file/objects: Not a directory"):
        DirectoryStore(tmp_path / "file" / "objects")


def test_a_device_without_room_is_a_full_store() -> None:
    with (
        pytest.raises(StoreFull, match="No space left") as caught,
        translated(WRITE_ERRORS, "object x"),
        Path("/dev/full").open("wb", buffering=0) as device,
    ):
        device.write(b"x")

    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("table", "number", "ours"),
    [
        (WRITE_ERRORS, errno.ENOSPC, StoreFull),
        (WRITE_ERRORS, errno.EDQUOT, StoreFull),
        (WRITE_ERRORS, errno.ENOENT, StoreUnavailable),
        (READ_ERRORS, errno.ENOENT, ObjectNotFound),
        (READ_ERRORS, errno.ENOTDIR, ObjectNotFound),
        (READ_ERRORS, errno.EACCES, StoreUnavailable),
    ],
)
def test_an_error_of_the_system_becomes_one_of_ours(
    table: Mapping[int, type[StreamkeepError]], number: int, ours: type[StreamkeepError]
) -> None:
    with pytest.raises(StreamkeepError, match="object x") as caught, translated(table, "object x"):
        raise OSError(number, os.strerror(number))

    assert type(caught.value) is ours


@pytest.mark.parametrize("table", [READ_ERRORS, WRITE_ERRORS], ids=["read", "write"])
def test_every_error_of_the_system_is_translated(table: Mapping[int, type[StreamkeepError]]) -> None:
    for number in errno.errorcode:
        with pytest.raises((ObjectNotFound, StoreFull, StoreUnavailable)), translated(table, "object x"):
            raise OSError(number, os.strerror(number))
