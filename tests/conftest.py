from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack
from tests.e2e.stack import stack_on_aws as on_aws
from tests.emulators import Emulators
from tests.local.running import free_offset
from tests.media import Media
from tests.numbered import NumberedMedia


@pytest.fixture(scope="session")
def emulators() -> Iterator[Emulators]:
    """Servers that speak AWS's protocols, kept for the whole run; each test makes a table or bucket of its own."""
    with Emulators() as running:
        yield running


@pytest.fixture(scope="session")
def stack_on_aws(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack with its state in DynamoDB and its objects in S3."""
    data = tmp_path_factory.mktemp("stack-on-aws") / "data"
    with on_aws(data, free_offset(), emulators.url("ministack")) as running:
        yield running


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> NumberedMedia:
    """Clips whose frames tell their time, made once for the run."""
    return NumberedMedia(tmp_path_factory.mktemp("numbered"))
