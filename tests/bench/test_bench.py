"""What the benchmarks reckon with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.bench.__main__ import main
from tests.bench.table import Used, table
from tests.bench.tree_cpu import tree_cpu

_SPIN = "import sys, time\nwhile time.process_time() < {seconds}: pass\n"
_ENDS, _WAITS = _SPIN.format(seconds=0.3), _SPIN.format(seconds=0.2) + "print(flush=True); sys.stdin.read()"
_PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {_ENDS!r}], check=True)
subprocess.run([sys.executable, "-c", {_WAITS!r}])
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child that has ended after 0.3 s of CPU, and one that waits after 0.2 s."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        said(process)
        yield process
        process.stdin.close()
        process.wait(5)


def said(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.readline()


def test_the_cpu_of_a_tree_counts_a_child_that_has_ended_and_one_that_goes_on(
    process: subprocess.Popen[bytes],
) -> None:
    used = tree_cpu(psutil.Process(process.pid))

    assert used["ended"] >= 0.29
    assert sum(used.values()) - used["ended"] >= 0.19
    assert sum(used.values()) < 1.5


def test_a_child_that_ends_meanwhile_is_counted_once(process: subprocess.Popen[bytes]) -> None:
    root = psutil.Process(process.pid)
    before = sum(tree_cpu(root).values())
    root.children()[0].kill()
    said(process)  # it has waited for its child

    assert before - 0.02 <= sum(tree_cpu(root).values()) < before + 0.15


def test_a_ratio_compares_shares_of_a_core() -> None:
    ours = Used(seconds=100, cpu={"worker": 0.5, "ffmpeg": 0.5}, pictures=4)
    other = Used(seconds=50, cpu={"ffmpeg": 15.0}, pictures=50)

    assert ours.core == pytest.approx(0.01)
    assert ours.times_less_than(other) == pytest.approx(30)
    assert ours.parts() == "worker 0.50%, ffmpeg 0.50%"


def test_a_table_has_columns_of_one_width() -> None:
    lines = table(("a", "long head"), [("wider", "x"), ("y", "")]).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert lines[2] == "| wider | x         |"


def test_a_benchmark_that_is_none_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert "'speed'" in capsys.readouterr().err
