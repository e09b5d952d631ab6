"""Tests that fail get a second turn, and who needed it is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_LUCK = """
from pathlib import Path

def test_of_luck():
    been = Path("been")
    was_there = been.exists()
    been.touch()
    assert was_there
"""
SOUND = "def test_sound():\n    with open('turns', 'a') as turns:\n        turns.write('x')\n"
WRONG = "def test_wrong():\n    raise AssertionError\n"
WRONG_SIX = "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_wrong(n):\n    raise AssertionError\n"


def run(folder: Path, text: str, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(text)
    argv = [sys.executable, "-m", "tests.second_turn", *flags]
    return subprocess.run(argv, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flags", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "two at a time"])
@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (OF_LUCK, 0, ["failed, and passed the second time: test_it.py::test_of_luck"]),
        (WRONG, 1, ["failed twice: test_it.py::test_wrong"]),
        (
            OF_LUCK + WRONG,
            1,
            ["failed, and passed the second time: test_it.py::test_of_luck", "failed twice: test_it.py::test_wrong"],
        ),
        (WRONG_SIX, 1, ["6 failed, more than 5: none gets a second turn"]),
        ("", 0, []),
    ],
    ids=["of luck", "wrong", "both", "six wrong", "none fails"],
)
def test_what_fails_is_tried_once_more_alone_and_named(
    tmp_path: Path, flags: tuple[str, ...], text: str, code: int, said: list[str]
) -> None:
    (tmp_path / "test_sound.py").write_text(SOUND)
    answer = run(tmp_path, text, *flags)

    assert answer.returncode == code, answer.stdout + answer.stderr
    assert [line for line in answer.stdout.splitlines() if line.startswith(("failed", "6 failed, more"))] == said
    assert (tmp_path / "turns").read_text() == "x"


def test_what_cannot_be_read_gets_no_second_turn(tmp_path: Path) -> None:
    answer = run(tmp_path, "import nothing_of_this_name\n")

    assert answer.returncode == 2
    assert "once more" not in answer.stdout
