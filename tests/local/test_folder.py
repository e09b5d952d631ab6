from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services.local.errors import CannotStart
from services.local.folder import DataFolder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_prepared_folder_shows_objects_and_hides_state(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")

    folder.prepare()

    assert (_mode(folder.objects), _mode(folder.spool), _mode(folder.state)) == (0o755, 0o700, 0o600)


def test_preparing_again_keeps_the_state(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    folder.state.write_bytes(b"kept")

    folder.prepare()

    assert folder.state.read_bytes() == b"kept"


def test_a_second_stack_on_one_folder_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()

    with folder.held(), pytest.raises(CannotStart, match=r"another stack is running on it.*--data DIR"), folder.held():
        pass


def test_a_folder_is_free_when_its_stack_has_gone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    with folder.held():
        pass

    with folder.held():
        assert (folder.run / "lock").exists()


def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"Not a directory.*--data"):
        DataFolder(tmp_path / "file" / "data").prepare()


def test_a_path_that_nginx_cannot_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"my data.*only letters"):
        DataFolder(tmp_path / "my data").prepare()


def test_a_disk_with_too_little_room_is_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"\d+ MiB free on its disk, 1048576000 MiB needed"):
        DataFolder(tmp_path).require_room(2**20 * 1_048_576_000)
