"""The costs as they stand in docs/aws.md; `python -m tests.aws.priced --write` puts the present ones there."""

from __future__ import annotations

import sys

from services.deploy.costs import text
from tests.aws.templates import ROOT

PAGE = ROOT / "docs/aws.md"
_BEGINS, _ENDS = "<!-- python -m services.deploy.costs begins -->\n", "<!-- python -m services.deploy.costs ends -->\n"


def on_the_page(page: str) -> str:
    """Give what stands between the marks."""
    return page.partition(_BEGINS)[2].partition(_ENDS)[0]


def with_costs(page: str, costs: str) -> str:
    """Give the page with these costs between its marks."""
    before, begins, rest = page.partition(_BEGINS)
    _, ends, after = rest.partition(_ENDS)
    return before + begins + costs + ends + after


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(with_costs(PAGE.read_text(), f"{text()}\n"))
