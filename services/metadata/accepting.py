"""What a caller wants to be sent."""

from __future__ import annotations

import re

PICTURE = "image/jpeg"
_NOT_AT_ALL = re.compile(r"q=0(\.0{0,3})?", re.ASCII)


def wants_picture(accept: str) -> bool:
    """Say whether an Accept header asks for the picture itself: by name, as an image element of a page does."""
    wanted: dict[str, bool] = {}
    for part in accept.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        wanted[kind] = not any(_NOT_AT_ALL.fullmatch(each) for each in parameters)
    return wanted.get(PICTURE, wanted.get("image/*", False)) and not wanted.get("application/json", False)
