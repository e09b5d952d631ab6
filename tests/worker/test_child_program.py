from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.worker.child_program import ChildFailed, run
from tests.processes import children, command
from tests.worker.heard import until

pytestmark = pytest.mark.anyio


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


async def test_standard_output_is_given() -> None:
    assert await run(python("print('hello')")) == b"hello\n"


async def test_what_is_written_to_standard_error_is_no_output() -> None:
    assert await run(python("import sys; print('x', file=sys.stderr)")) == b""


async def test_much_on_both_pipes_does_not_block_the_child() -> None:
    program = "import sys; sys.stderr.write('e' * 1_000_000); sys.stdout.write('o' * 1_000_000)"

    assert len(await run(python(program))) == 1_000_000


async def test_nothing_can_be_read_from_standard_input() -> None:
    assert await run(python("import sys; print(len(sys.stdin.read()))")) == b"0\n"


async def test_another_exit_code_is_a_failure_that_tells_the_code_and_the_complaint() -> None:
    with pytest.raises(ChildFailed, match=r"exit 3: .*no such thing"):
        await run(python("import sys; print('no such thing', file=sys.stderr); sys.exit(3)"))


async def test_a_death_by_signal_is_a_failure() -> None:
    with pytest.raises(ChildFailed, match="exit -9"):
        await run(python("import os; os.kill(os.getpid(), 9)"))


async def test_a_missing_program_is_a_failure_that_names_it() -> None:
    with pytest.raises(ChildFailed, match="no-such-program cannot be started"):
        await run(["no-such-program"])


async def test_past_its_deadline_a_child_is_killed() -> None:
    with pytest.raises(ChildFailed, match=r"longer than 0\.2 s"):
        await run(["sleep", "61.25"], deadline_seconds=0.2)

    assert sleepers("61.25") == []


async def test_a_child_does_not_outlive_its_caller() -> None:
    task = asyncio.create_task(run(["sleep", "62.25"]))
    await until(lambda: len(sleepers("62.25")) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert sleepers("62.25") == []


def sleepers(seconds: str) -> list[psutil.Process]:
    return [child for child in children() if command(child) == ["sleep", seconds]]


async def test_an_argument_is_never_read_by_a_shell(tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/made); `touch {tmp_path}/made`"

    assert await run(["printf", "%s", hostile]) == hostile.encode()
    assert not (tmp_path / "made").exists()


def test_a_child_knows_neither_our_settings_nor_our_credentials() -> None:
    program = """
import asyncio, json, sys
from services.worker.child_program import run
print(asyncio.run(run([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"])).decode())
"""
    ours = {"STREAMKEEP_PULL_URL": "rtmp://127.0.0.1/stream", "AWS_SECRET_ACCESS_KEY": "secret", "PLAIN": "no"}

    done = subprocess.run(python(program), env={**os.environ, **ours}, capture_output=True, text=True, check=True)

    seen = json.loads(done.stdout)
    assert "PATH" in seen
    assert not seen.keys() & ours.keys()
