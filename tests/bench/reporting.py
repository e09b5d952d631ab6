"""What benchmarks of a live channel have in common: the stores that they ask, and how they report."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.table import table
from tests.e2e.stack import Stack, stack_on_aws
from tests.emulators import Emulators
from tests.local.running import free_offset

DIRECTORY, S3 = "directory", "s3"

Found = tuple[list[tuple[str, ...]], bool]
"""Rows of a table, and whether the bounds are kept."""


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Give a parser that takes the store that alone is asked, as `only`."""
    parser = argparse.ArgumentParser(prog=f"setup.sh bench {name}", description=description)
    parser.add_argument("--only", choices=(DIRECTORY, S3))
    return parser


def stacks_in(folder: Path, only: str | None, ending: ExitStack) -> Mapping[str, Stack]:
    """Give a stack for each store, not begun yet; the emulators end with `ending`."""
    stacks = {}
    if only != S3:
        stacks[DIRECTORY] = Stack(folder / "directory", free_offset())
    if only != DIRECTORY:
        endpoint = ending.enter_context(Emulators()).url("ministack")
        stacks[S3] = stack_on_aws(folder / "aws", free_offset(), endpoint)
    return stacks


def reported(head: Sequence[str], found: Iterable[Found]) -> int:
    """Print the table of all that is measured; give 0 if the bounds are kept."""
    rows, kept = [], []
    for each, is_kept in found:
        rows += each
        kept.append(is_kept)
    print(table(head, rows))
    return 0 if all(kept) else 1
