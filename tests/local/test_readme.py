"""The README shows what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.local.__main__ import arguments
from services.local.settings import LocalSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(LocalSettings.model_fields.keys() - {"lifeline_fd"}))
def test_every_setting_of_the_stack_is_in_the_readme(name: str) -> None:
    assert f"STREAMKEEP_{name.upper()}" in README


def test_no_setting_in_the_readme_is_made_up() -> None:
    shown = set(re.findall(r"STREAMKEEP_([A-Z_]+)", README))

    assert {name.lower() for name in shown} <= LocalSettings.model_fields.keys()


def test_every_link_in_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_options_in_the_readme_are_accepted() -> None:
    wishes = arguments(["--demo", "--port-offset", "10", "--data", "elsewhere", "--state", "dynamodb", "--store", "s3"])

    assert (wishes.demo, wishes.port_offset, wishes.data) == (True, 10, Path("elsewhere"))
    assert (wishes.state, wishes.store) == ("dynamodb", "s3")
    for option in ("--demo", "--port-offset", "--data", "--state dynamodb", "--store s3"):
        assert option in README
