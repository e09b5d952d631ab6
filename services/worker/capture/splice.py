"""The tap as a picture child takes it up: from its beginning, or, one that came later, from the next syncpoint on."""

from __future__ import annotations

from dataclasses import dataclass, field

SYNCPOINT = bytes.fromhex("4e4be4adeeca4569")
"""NUT's syncpoint startcode (nut.txt, "startcodes"): what precedes the first one is a new child's header."""
HEADER_BYTES = 64 * 1024
FILLER_BYTES = 16 * 1024 * 1024
"""A syncpoint points back to the one before its keyframe, and NUT's reader refuses one that points back past what it
has read; so a new child is given zeros, which it skips, for what it missed: enough for a GOP."""
OPENING_BYTES = 8 * 1024 * 1024
OPENINGS = 3
"""The tap's beginning is given again after a child that died before it told the time, but not for ever."""


@dataclass(slots=True)
class Splice:
    """Says what of the tap goes to the present child; nothing is given twice once the time is told."""

    _header: bytes = b""
    _header_is_whole: bool = False
    _must_resync: bool = False
    _carry: bytes = b""
    _passed_bytes: int = 0
    _opening: bytearray | None = field(default_factory=bytearray)
    _openings: int = 0

    @property
    def has_packets(self) -> bool:
        """Say whether more than the header has come."""
        return self._header_is_whole

    def begin(self) -> bytes:
        """Give what a new child is fed first."""
        self._carry = b""
        self._openings += 1
        if self._openings > OPENINGS:
            self._opening = None
        if self._opening is not None:
            self._must_resync = False
            return bytes(self._opening)
        self._must_resync = self._header_is_whole
        return self._header

    def forget_opening(self) -> None:
        """Keep the beginning no longer: the time is known."""
        self._opening = None

    def lose(self) -> None:
        """Note that what was taken last reached nobody."""
        self._must_resync = self._header_is_whole

    def take(self, data: bytes) -> bytes:
        """Take a piece of the tap; give what of it goes to the present child."""
        self._passed_bytes += len(data)
        self._keep(data)
        if not self._header_is_whole:
            self._take_header(data)
        if not self._must_resync:
            return data
        self._carry += data
        at = self._carry.find(SYNCPOINT)
        if at < 0:
            self._carry = self._carry[-len(SYNCPOINT) :]
            return b""
        data = bytes(min(self._passed_bytes, FILLER_BYTES)) + self._carry[at:]
        self._carry, self._must_resync = b"", False
        return data

    def _keep(self, data: bytes) -> None:
        if self._opening is not None:
            self._opening += data
            if len(self._opening) > OPENING_BYTES:
                self._opening = None

    def _take_header(self, data: bytes) -> None:
        self._header += data
        at = self._header.find(SYNCPOINT)
        if at >= 0:
            self._header, self._header_is_whole = self._header[:at], True
        elif len(self._header) > HEADER_BYTES:
            self._header_is_whole = True  # not NUT as we know it: a new child may not find its way in
