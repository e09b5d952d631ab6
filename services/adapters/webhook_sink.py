"""The webhook: events as POST requests, signed by Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus

import httpcore

from services.adapters.address_guard import AddressGuard, AddressRefused
from services.adapters.deadline import Deadline
from services.adapters.guarded_network import GuardedNetwork, bounded_by
from services.domain.clock import Clock
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import MEDIA_TYPE, Event
from services.domain.secrets import Secret
from services.domain.subscriber import Subscriber, signing_key

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
ANSWER_BYTES_MAX = 16 * 1024  # of an answer, which nobody reads
CONNECTIONS_MAX = 16
KEPT_SECONDS = 30.0  # how long a connection waits for the next event
RETRY_AFTER_MAX = 300.0  # seconds
GONE_SECONDS = 900.0  # between two tries of a receiver that wants no more
_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@cache
def _tls() -> ssl.SSLContext:
    """Read the system's certificates once for all sinks."""
    return ssl.create_default_context()


def message_id(event: Event) -> str:
    """Give the `webhook-id`, the same at each try; an event's own id has dots, which divide what is signed."""
    return f"msg_{hashlib.sha256(event.id.encode()).hexdigest()[:32]}"


def signature(secrets: Sequence[Secret], message: str, timestamp: int, body: bytes) -> str:
    """Give the `webhook-signature` of a body: one for each secret, so that a receiver may know either."""
    signed = f"{message}.{timestamp}.".encode() + body
    macs = (hmac.digest(signing_key(secret), signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


class WebhookSink:
    """Posts to one address; connections are kept, redirects not followed."""

    def __init__(
        self, subscriber: Subscriber, guard: AddressGuard, clock: Clock, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        """Connect to nothing yet; `guard` judges where the address leads at each connection."""
        self._subscriber = subscriber
        self._clock = clock
        self._total_seconds = total_seconds
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=CONNECTIONS_MAX,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=GuardedNetwork(guard, "url"),
        )

    def send(self, event: Event, body: bytes) -> None:
        """Post one event; raise SinkUnavailable or SinkRefused."""
        try:
            with bounded_by(Deadline.after(self._total_seconds)):
                status, retry_after = self._posted(event, body)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise SinkUnavailable(f"it does not answer: {str(error) or type(error).__name__}") from error
        except AddressRefused as error:
            raise SinkUnavailable(str(error)) from error
        if status // 100 == 2:  # noqa: PLR2004 - any success
            return
        if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SinkUnavailable(f"it answers {status}", retry_after=self._seconds(retry_after))
        if status == HTTPStatus.GONE:  # Standard Webhooks: send no more; yet a mistake of an hour shall lose nothing
            raise SinkUnavailable("it answers 410: it wants no more", retry_after=GONE_SECONDS)
        if status // 100 == 3:  # noqa: PLR2004 - any redirect
            raise SinkRefused(f"it answers {status}: redirects are not followed, give the address that they lead to")
        raise SinkRefused(f"it answers {status}")

    def _posted(self, event: Event, body: bytes) -> tuple[int, str]:
        """Give the answer's status and its Retry-After; of the rest only so much is read as a connection is worth."""
        waits = {"connect": CONNECT_SECONDS, "pool": self._total_seconds}
        url, headers = self._subscriber.url, self._headers(event, body)
        with self._pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": waits}) as answer:
            size = 0
            for piece in answer.iter_stream():
                size += len(piece)
                if size > ANSWER_BYTES_MAX:
                    break
            told = (value for name, value in answer.headers if name.lower() == b"retry-after")
            return answer.status, next(told, b"").decode("latin-1")

    def _headers(self, event: Event, body: bytes) -> dict[bytes | str, bytes | str]:
        message, timestamp = message_id(event), int(self._clock.now().timestamp())
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "User-Agent": "streamkeep",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
        }
        secrets = self._subscriber.secrets
        return headers | ({"webhook-signature": signature(secrets, message, timestamp, body)} if secrets else {})

    def _seconds(self, retry_after: str) -> float | None:
        """Read a Retry-After: seconds, or a date; None where there is none."""
        if retry_after.isascii() and retry_after.isdigit():
            return min(float(retry_after[:9]), RETRY_AFTER_MAX)
        try:
            until: datetime = parsedate_to_datetime(retry_after)
            return min(max(0.0, (until - self._clock.now()).total_seconds()), RETRY_AFTER_MAX)
        except (ValueError, TypeError):  # no date, or one without its zone
            return None

    def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(RuntimeError):  # one of them is in use: it ends with its exchange
            self._pool.close()
