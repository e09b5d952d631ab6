"""CloudFront's function as it stands in delivery.yaml; `python -m tests.aws.inlined --write` copies the file there."""

from __future__ import annotations

import sys
import textwrap

from tests.aws.templates import FOLDER

FUNCTION = FOLDER / "functions/link.js"
_BEGINS, _ENDS = "        // functions/link.js begins\n", "        // functions/link.js ends\n"


def inlined(text: str) -> str:
    """Give the function that stands between the marks of a template."""
    return textwrap.dedent(text.partition(_BEGINS)[2].partition(_ENDS)[0])


def with_function(text: str, function: str) -> str:
    """Give the template with this function between its marks."""
    before, begins, rest = text.partition(_BEGINS)
    _, ends, after = rest.partition(_ENDS)
    return before + begins + textwrap.indent(function, " " * 8) + ends + after


if __name__ == "__main__":
    place = FOLDER / "delivery.yaml"
    if sys.argv[1:] == ["--write"]:
        place.write_text(with_function(place.read_text(), FUNCTION.read_text()))
    else:
        print(inlined(place.read_text()), end="")
