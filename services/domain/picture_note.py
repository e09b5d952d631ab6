"""What a picture of ours says of itself besides its time: a line of JSON in its EXIF data (UserComment).

Whoever has the picture has with it what its manifest will say of it some seconds later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from services.domain import keys
from services.domain.artifact import Rendition


def encoded(flags: Sequence[str], phash: str | None, sizes: Sequence[tuple[int, int, bytes]]) -> str:
    """Give the note of a picture with other sizes, each as width and height (pixels) and the whole JPEG."""
    described = [
        {"width": width, "height": height, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for width, height, body in sizes
    ]
    return json.dumps({"flags": list(flags), "phash": phash, "sizes": described}, separators=(",", ":"))


def decoded(note: str, key: str) -> dict[str, Any]:
    """Give the fields of the Artifact with this key that its picture's note tells; raise ValueError or its like."""
    found = json.loads(note)
    sizes = tuple(Rendition(key=keys.resized(key, size["width"]), **size) for size in found["sizes"])
    return {"flags": tuple(found["flags"]), "phash": found["phash"], "sizes": sizes}
