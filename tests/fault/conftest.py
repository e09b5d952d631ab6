from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators import Emulators
from tests.fault.world import World, a_world
from tests.numbered import NumberedMedia


@pytest.fixture
def world(tmp_path: Path, numbered: NumberedMedia) -> Iterator[World]:
    """A stack of files alone, for faults of publishers and processes."""
    with a_world(tmp_path, numbered) as running:
        yield running


@pytest.fixture
def s3_world(tmp_path: Path, numbered: NumberedMedia, emulators: Emulators) -> Iterator[World]:
    """A stack whose store is S3 behind a proxy that fails when told so; its state is a file."""
    with a_world(tmp_path, numbered, ministack=emulators.url("ministack"), store="s3") as running:
        yield running


@pytest.fixture
def aws_world(tmp_path: Path, numbered: NumberedMedia, emulators: Emulators) -> Iterator[World]:
    """A stack whose store is S3 and whose state is DynamoDB, each behind a proxy that fails when told so."""
    url = emulators.url("ministack")
    with a_world(tmp_path, numbered, ministack=url, store="s3", state="dynamodb") as running:
        yield running
