from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.emulators import CREDENTIALS, Emulators
from tests.images.containers import output

TABLE = "streamkeep-images"


@pytest.fixture(scope="session")
def aws(emulators: Emulators) -> Mapping[str, str]:
    """Give the variables of a table and a bucket that the services image has made."""
    variables = {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": emulators.url("ministack"),
        "STREAMKEEP_STATE": "dynamodb",
        "STREAMKEEP_TABLE": TABLE,
        "STREAMKEEP_STORE": "s3",
        "STREAMKEEP_BUCKET": TABLE,
    }
    output("services", "services.admin", "prepare", environment=variables)
    return variables


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[OpenGateway]:
    with open_gateway(tmp_path) as running:
        yield running


@pytest.fixture
def aws_here(aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Have this process see the same AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws["AWS_ENDPOINT_URL"])
    return aws
