from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.runtime.sandbox import landlock
from tests.grabber.hostile_payload import HARMLESS


def _try(which: str, file: Path) -> dict[str, Any]:
    file.write_text("kept")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        argv = [sys.executable, "-m", "tests.grabber.hostile_payload", which, str(file), str(listener.getsockname()[1])]
        answer = subprocess.run(argv, capture_output=True, check=True, timeout=20).stdout
    told: dict[str, Any] = json.loads(answer)
    return told


def test_without_a_sandbox_it_could_do_harm(tmp_path: Path) -> None:
    assert _try("none", tmp_path / "kept.txt")["done"] == list(HARMLESS)


@pytest.mark.parametrize("which", ["decoder", "reader"])
def test_a_program_that_was_taken_over_can_do_nothing_but_answer(which: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"

    told = _try(which, file)

    # Where the kernel has no Landlock for ports, only the relay keeps a reader from connecting elsewhere.
    expected = ["connect"] if which == "reader" and told["landlock"] < 4 else []
    assert told["done"] == expected
    assert [each.name for each in tmp_path.iterdir()] == ["kept.txt"]
    assert file.read_text() == "kept"


def test_the_fetcher_reads_what_is_installed_and_writes_nothing(tmp_path: Path) -> None:
    if landlock.version() == 0:
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "secret").write_text("x")
    code = (
        "import sys, pathlib; from services.runtime.sandbox.confinement import confine_fetcher; confine_fetcher()\n"
        "for deed in (lambda p: (p / 'secret').read_text(), lambda p: (p / 'new').write_text('x')):\n"
        "    try: deed(pathlib.Path(sys.argv[1])); print('done')\n"
        "    except OSError: print('refused')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=True, timeout=20)

    assert answer.stdout.split() == [b"refused", b"refused"]


def test_the_programs_get_no_secret_of_the_services_environment() -> None:
    environment = {**os.environ, "STREAMKEEP_TOKEN": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret"}
    code = "from services.runtime.child_environment import child_environment; print(child_environment())"

    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=20)

    assert b"s3cret" not in answer.stdout
