from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.worker.delivery.parcel import FILE_BYTES
from services.worker.settings import WorkerSettings


def settings(folder: Path, **given: str) -> WorkerSettings:
    places = {"spool_path": str(folder), "state_path": str(folder / "state.db"), "objects_path": str(folder)}
    return WorkerSettings.model_validate(places | given)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 15),
        ({"state": "dynamodb"}, 60),
        ({"state": "dynamodb", "lease_seconds": "20"}, 20),
        ({"lease_seconds": "3"}, 3),
    ],
    ids=["sqlite", "dynamodb", "dynamodb as asked", "sqlite as asked"],
)
def test_a_lease_lasts_as_long_as_its_renewals_are_cheap_unless_it_is_asked_for(
    given: dict[str, str], seconds: int, tmp_path: Path
) -> None:
    assert settings(tmp_path, **given).lease_ttl == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["2", "301", "long"])
def test_a_lease_that_is_too_short_or_too_long_is_refused_by_name(value: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="lease_seconds"):
        settings(tmp_path, lease_seconds=value)


def test_the_spool_holds_ten_minutes_of_all_outputs_at_ten_megabits(tmp_path: Path) -> None:
    recordings = segments = 600 * 10_000_000 / 8
    pictures = 2 * 600 * 300_000
    files = (600 / 2 + 600 / 60 + 2 * 600) * FILE_BYTES

    assert settings(tmp_path).spool_bytes > recordings + 1.1 * segments + pictures + files


@pytest.mark.parametrize("value", ["-1", "1048575", "much"])
def test_a_spool_that_holds_nothing_is_refused_by_name(value: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="spool_bytes"):
        settings(tmp_path, spool_bytes=value)
