"""What a caller wants to be sent."""

from __future__ import annotations

PICTURE = "image/jpeg"


def wants_picture(accept: str) -> bool:
    """Say whether an Accept header asks for the picture itself: by name, as an image element of a page does."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {PICTURE, "image/*"}) and "application/json" not in kinds
