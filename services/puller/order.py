"""What the process that carries a source over is told to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Order:
    """Where to publish, and what; `options` are of the library that reads the source.

    `source` None is standard input, whose stream comes in lumps and is published as it plays.
    """

    publish: str
    source: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read it from a line of JSON."""
        return cls(**json.loads(line))
