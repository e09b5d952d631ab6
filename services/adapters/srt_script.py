"""SRT, which PyAV does not speak: the system's ffmpeg reads it, led by a script on its standard input.

The address is resolved and guarded before, and SRT knows no redirects. It stands in no command line, where every user
of the machine could read its passphrase.
"""

from __future__ import annotations

from urllib.parse import SplitResult

from services.adapters.address_guard import AddressGuard
from services.domain.errors import InvalidInput
from services.domain.source import FIELD, srt_options

INPUT = (
    "-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,srt,udp", "-format_whitelist", "concat,mpegts",
    "-i", "pipe:0",
)  # fmt: skip
"""How ffmpeg is told to read the script, and that what it leads to is MPEG-TS and names no other place."""


def script(guard: AddressGuard, address: SplitResult, *, connect_ms: int, silent_ms: int | None = None) -> bytes:
    """Give it: the checked IP address and what the caller may ask of the connection; raise AddressRefused.

    A source is given up that takes no connection for `connect_ms`, or sends nothing for `silent_ms`.
    """
    asked = srt_options(address)
    endpoint = guard.resolve(address.hostname or "", address.port or 0)[0]
    ours = {"connect_timeout": str(connect_ms)} | ({} if silent_ms is None else {"timeout": str(1000 * silent_ms)})
    lines = [
        "ffconcat version 1.0",
        f"file {_quoted(f'srt://{endpoint.authority}?mode=caller')}",
        *(f"option {name} {_quoted(value)}" for name, value in (ours | asked).items()),
    ]
    return "\n".join(lines).encode() + b"\n"


def _quoted(text: str) -> str:
    """Spell a word as ffmpeg's lists do."""
    if any(letter in text for letter in "\r\n\0"):
        raise InvalidInput(FIELD, "it holds an encoded line's end")
    return "'" + text.replace("'", r"'\''") + "'"
