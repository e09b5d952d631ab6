"""What was found out about a source on the way, for the answer that comes too late; no part of an address is in it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """Sentences in order, and how much media there was; written by one thread, read by another."""

    said: list[str] = field(default_factory=list)
    media_bytes: int = 0

    def add(self, sentence: str) -> None:
        """Note one more."""
        self.said.append(sentence)

    def text(self) -> str:
        """Give all of it as one sentence."""
        media = f"{self.media_bytes} bytes of media came" if self.media_bytes else "no media came"
        return "; ".join([*self.said, media])
