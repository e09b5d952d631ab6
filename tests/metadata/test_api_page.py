"""docs/api.md says what the service does."""

from __future__ import annotations

import re
from pathlib import Path

from services.domain.channel import NUMBERS
from services.metadata.channel_fields import ChannelFields
from services.metadata.spellings import OLDER_OF
from tests.metadata.running import Running

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def test_the_page_lists_the_routes_that_exist_and_no_other(service: Running) -> None:
    paths = service.anonymous.get("/openapi.json").json()["paths"]
    served = {
        (method.upper(), re.sub(r"\{(channel|session|letter)_id\}", "{id}", path))
        for path, operations in paths.items()
        for method in operations
    }

    assert set(re.findall(r"^\| `([A-Z]+) (/\S+)` \|", PAGE, re.MULTILINE)) == served


def test_the_page_lists_every_field_with_its_older_spelling_and_its_range() -> None:
    rows = {
        name: (older.strip("` "), accepted)
        for name, older, accepted in re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|", PAGE, re.MULTILINE)
    }

    assert set(rows) == set(ChannelFields.model_fields)
    assert {name: older for name, (older, _) in rows.items() if older} == dict(OLDER_OF)
    for name, span in NUMBERS.items():
        assert f"{span.low:g} to {span.high:,g} {span.unit}" in rows[name][1]
