from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.worker.capture.room import Room

PLENTY = 1 << 60
ROOT = Path(__file__).parent.parent.parent


def a_room(folder: Path, min_free_bytes: int = 0) -> Room:
    return Room(folder=folder, min_free_bytes=min_free_bytes)


def test_a_folder_that_takes_files_is_no_trouble_and_is_left_clean(tmp_path: Path) -> None:
    assert a_room(tmp_path).trouble() is None
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    assert a_room(tmp_path / "spool" / "session").trouble() is None
    assert (tmp_path / "spool" / "session").is_dir()


def test_too_little_room_is_told_in_bytes(tmp_path: Path) -> None:
    trouble = a_room(tmp_path, PLENTY).trouble()

    assert trouble is not None
    assert trouble.code == "disk_full"
    assert str(PLENTY) in trouble.detail


def test_a_folder_that_cannot_be_made_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    trouble = a_room(tmp_path / "spool").trouble()

    assert trouble is not None
    assert trouble.code == "spool_unavailable"
    assert str(tmp_path / "spool") in trouble.detail


def test_a_folder_that_vanishes_under_ffmpeg_is_trouble_even_if_it_can_be_made_again(tmp_path: Path) -> None:
    run = tmp_path / "session" / "run"
    run.mkdir(parents=True)
    assert a_room(run.parent).trouble(run) is None

    shutil.rmtree(run.parent)
    trouble = a_room(run.parent).trouble(run)

    assert trouble is not None
    assert trouble.code == "spool_unavailable"
    assert a_room(run.parent).trouble() is None


_LOOK = (
    "import sys; from pathlib import Path; from services.worker.capture.room import Room;"
    "print(Room(folder=Path(sys.argv[1]), min_free_bytes=0).trouble().code)"
)


@pytest.mark.parametrize(
    ("options", "filling", "code"),
    [
        ("ro,size=1m", "true", "spool_unavailable"),
        ("size=1m", 'head -c 1048576 /dev/zero > "$0/filler"', "disk_full"),
        ("size=1m,nr_inodes=3", 'touch "$0/a" "$0/b"', "disk_full"),
    ],
    ids=["read-only", "no bytes left", "no inodes left"],
)
def test_a_disk_that_takes_no_file_is_trouble(tmp_path: Path, options: str, filling: str, code: str) -> None:
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && {filling} && exec "$@"'
    argv = ["unshare", "-rm", "sh", "-c", script, str(tmp_path), sys.executable, "-c", _LOOK, str(tmp_path)]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=20).stdout

    assert said.strip() == code
