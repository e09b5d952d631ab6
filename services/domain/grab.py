"""One picture of somebody else's stream: what is asked of the program that takes it, and what it answers.

The order is one line (JSON) on its standard input, for nothing of it may stand in a command line. It answers with one
line, `{"picture": {"width", "height", "bytes", "position", "captured_at"}}` and the JPEG, or
`{"problem": {"kind", "field", "detail"}}`, the kind one of Trouble.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol, Self

from services.domain.errors import StreamkeepError

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


class TooBusy(StreamkeepError):
    """As many pictures as are taken at once are being taken."""


class NoPicture(StreamkeepError):
    """There is no picture; `kind` says why, `field` is the one to mend."""

    def __init__(self, kind: Trouble, field: str, detail: str) -> None:
        """`detail` holds no part of the address."""
        super().__init__(detail)
        self.kind = kind
        self.field = field


@dataclass(frozen=True, slots=True)
class GrabbedPicture:
    """A JPEG; `position` is in seconds into the source, `captured_at` a time, None where nobody knows."""

    body: bytes
    width: int
    height: int
    position: float | None
    captured_at: str | None


class Grabber(Protocol):
    """Takes pictures of strangers' streams."""

    def take(self, source_url: str, at: At, width: int | None) -> GrabbedPicture:
        """Give one picture within 8 s; raise TooBusy, NoPicture or Unavailable."""
        ...


def picture_of(said: dict[str, Any], body: bytes) -> GrabbedPicture:
    """Read what was said of a picture; raise NoPicture for a problem, and for what is neither."""
    match said:
        case {
            "picture": {
                "width": int(width),
                "height": int(height),
                "bytes": int(size),
                "position": float() | None as position,
                "captured_at": str() | None as captured_at,
            }
        } if len(body) == size <= PICTURE_MAX:
            return GrabbedPicture(body, width, height, position, captured_at)
        case {"problem": {"kind": kind, "field": str(field), "detail": str(detail)}} if kind in set(Trouble):
            raise NoPicture(Trouble(kind), field, detail)
    raise NoPicture(Trouble.OURS, "source_url", "the program that takes pictures ended without an answer")
