"""One range of bytes, as RFC 9110 spells it; several in one request are not served, so the whole is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=([0-9]{1,18})?-([0-9]{1,18})?", re.IGNORECASE)


class NotSatisfiable(Exception):
    """The range begins behind the end."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `begin` to before `end`, of `whole`."""

    begin: int
    end: int
    whole: int

    @property
    def is_partial(self) -> bool:
        """Say whether it is less than the whole."""
        return self.end - self.begin < self.whole

    @property
    def header(self) -> str:
        """Spell it for Content-Range."""
        return f"bytes {self.begin}-{self.end - 1}/{self.whole}"


def asked_range(header: str | None, whole: int) -> ByteRange:
    """Read a Range header about `whole` bytes; raise NotSatisfiable. What cannot be read asks for all."""
    found = _RANGE.fullmatch(header or "")
    first, last = (None, None) if found is None else found.groups()
    if first is None and last is None:
        return ByteRange(0, whole, whole)
    if first is None:
        begin, end = max(0, whole - int(last or 0)), whole
    else:
        begin, end = int(first), whole if last is None else min(whole, int(last) + 1)
        if last is not None and int(last) < begin:
            return ByteRange(0, whole, whole)
    if begin >= end:
        raise NotSatisfiable
    return ByteRange(begin, end, whole)
