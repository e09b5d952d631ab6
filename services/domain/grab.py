"""One picture of somebody else's stream: what is asked of the program that takes it, and what it answers.

The order is one line (JSON) on its standard input, for nothing of it may stand in a command line. It answers with one
line, `{"picture": {"width", "height", "bytes", "position", "captured_at"}}` and the JPEG, or
`{"problem": {"kind", "field", "detail"}}`, the kind one of Trouble.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal, Self

LINE_MAX = 16 * 1024  # bytes
PICTURE_MAX = 24 * 1024 * 1024  # bytes
At = float | Literal["random"] | None


class Trouble(StrEnum):
    """Why there is no picture."""

    REFUSED = "refused"  # `field` cannot be used
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    OURS = "ours"  # this machine cannot take it


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GrabOrder:
    """One picture of `source_url`, which may hold secrets: at so many seconds, anywhere, or (None) the newest.

    `deadline` is a moment of CLOCK_MONOTONIC, `allowed_networks` is spelled as the setting.
    """

    source_url: str
    at: At
    width: int | None
    allowed_networks: str
    deadline: float

    def line(self) -> bytes:
        """Spell it."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read what `line` spelled."""
        return cls(**json.loads(line))
