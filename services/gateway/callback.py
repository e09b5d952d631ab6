"""What nginx-rtmp says in a callback, read so that a publisher cannot speak for nginx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote_to_bytes

from services.domain.errors import InvalidInput
from services.domain.ids import is_id

MAX_BODY_BYTES = 16_384

_OURS = frozenset({"app", "addr", "clientid", "call", "name"})
_CALLERS = frozenset({"sign", "session", "token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback: nginx's own fields, and the three a client's query may add (empty when absent)."""

    call: str
    channel_id: str
    client_id: str
    address: str
    sign: str = ""
    session_id: str = ""
    token: str = ""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a form body; raise InvalidInput if nginx's fields are not as they must be.

        nginx writes its own fields first, escaped, and appends the client's query raw and possibly cut short:
        the FIRST value of a key counts, and whatever follows can only repeat a key in vain.
        """
        fields = _first_values(body)
        if fields.get("app") != "stream":
            raise InvalidInput("app", "only the application 'stream' exists: rtmp://<host>:1935/stream")
        name, client_id = fields.get("name", ""), fields.get("clientid", "")
        if not is_id(name):
            raise InvalidInput("name", "the stream key must begin with a channel's id")
        if not (client_id.isascii() and client_id.isdigit()):
            raise InvalidInput("clientid", "must be a number")
        return cls(
            call=fields.get("call", ""),
            channel_id=name,
            client_id=client_id,
            address=fields.get("addr", ""),
            sign=fields.get("sign", ""),
            session_id=fields.get("session", ""),
            token=fields.get("token", ""),
        )


def _first_values(body: bytes) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in body.split(b"&"):
        key, _, value = pair.partition(b"=")
        name = key.decode("ascii", "replace")
        if (name in _OURS or name in _CALLERS) and name not in values:
            values[name] = unquote_to_bytes(value).decode("utf-8", "replace")
    return values
