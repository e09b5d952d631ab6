"""What nginx-rtmp says in a callback, read so that a publisher cannot speak for nginx."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_to_bytes

from services.domain.errors import InvalidInput
from services.domain.ids import is_id

MAX_BODY_BYTES = 16_384

_OURS = frozenset({b"app", b"addr", b"clientid", b"call", b"name"})
_CALLERS = frozenset({b"sign", b"session", b"token"})
_CLIENT_DIGITS = 20  # nginx counts connections in 64 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback: nginx's own fields, and the three a client's query may add (empty when absent).

    `gateway` names the life of nginx that speaks, within which `client_id` is unique.
    """

    gateway: str
    channel_id: str
    client_id: str
    address: str
    sign: str = field(default="", repr=False)
    session_id: str = ""
    token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, body: bytes, *, gateway: str, call: str) -> Self:
        """Read the form body of a `call`; raise InvalidInput if nginx's fields are not as they must be.

        nginx writes its own fields first, escaped, and appends the client's query raw and possibly cut short:
        the FIRST value of a key counts, and whatever follows can only repeat a key in vain.
        """
        fields = _first_values(body)
        if fields.get(b"call") != call:
            raise InvalidInput("call", f"must be {call}")
        if fields.get(b"app") != "stream":
            raise InvalidInput("app", "only the application 'stream' exists: rtmp://<host>:1935/stream")
        name, client_id = fields.get(b"name", ""), fields.get(b"clientid", "")
        if not is_id(name):
            raise InvalidInput("name", "the stream key must begin with a channel's id")
        if not (client_id.isascii() and client_id.isdigit() and len(client_id) <= _CLIENT_DIGITS):
            raise InvalidInput("clientid", "must be a number")
        return cls(
            gateway=gateway,
            channel_id=name,
            client_id=client_id,
            address=fields.get(b"addr", ""),
            sign=fields.get(b"sign", ""),
            session_id=fields.get(b"session", ""),
            token=fields.get(b"token", ""),
        )


def _first_values(body: bytes) -> dict[bytes, str]:
    values: dict[bytes, str] = {}
    for pair in body.split(b"&"):
        key, _, value = pair.partition(b"=")
        if key not in values and (key in _OURS or key in _CALLERS):
            values[key] = unquote_to_bytes(value).decode("utf-8", "replace")
    return values
