"""What the files of the backlog are called: nginx names recordings, the app marks each admission beside them.

- `camera-1795216259.0123abcd.flv`: a recording of a channel, with the second of its beginning and nginx's life;
- `camera-1795216259.0123abcd.12.flv`: one that was set aside, with the client id of whom it is of;
- `camera-1795216258123456789.0123abcd.12.admitted`: a connection's admission, in nanoseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_CHANNEL = r"(?P<channel>[A-Za-z0-9][A-Za-z0-9_-]{0,63})"
_BOOT = r"(?P<boot>[0-9a-f]{1,32})"
_CLIENT = r"(?P<client>[0-9]{1,20})"
_RECORDING = re.compile(rf"{_CHANNEL}-(?P<second>[0-9]{{1,12}})\.{_BOOT}(?:\.{_CLIENT})?\.flv")
_ADMISSION = re.compile(rf"{_CHANNEL}-(?P<ns>[0-9]{{1,21}})\.{_BOOT}\.{_CLIENT}\.admitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingName:
    """A recording's name; `client_id` is None where only the admissions beside it tell whose it is."""

    channel_id: str
    second: int
    boot: str
    client_id: str | None = None

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a name; None if it is another's."""
        found = _RECORDING.fullmatch(name)
        if found is None:
            return None
        return cls(
            channel_id=found["channel"], second=int(found["second"]), boot=found["boot"], client_id=found["client"]
        )

    def __str__(self) -> str:
        client = "" if self.client_id is None else f".{self.client_id}"
        return f"{self.channel_id}-{self.second}.{self.boot}{client}.flv"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Admission:
    """That a connection was let in, `ns` nanoseconds after the epoch."""

    ns: int
    channel_id: str
    boot: str
    client_id: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a name; None if it is another's."""
        found = _ADMISSION.fullmatch(name)
        if found is None:
            return None
        return cls(ns=int(found["ns"]), channel_id=found["channel"], boot=found["boot"], client_id=found["client"])

    def __str__(self) -> str:
        return f"{self.channel_id}-{self.ns}.{self.boot}.{self.client_id}.admitted"
