"""HTTP for addresses that came from outside: each hop is guarded, and size, number and time are bounded.

    http = GuardedHttp(AddressGuard(allowed))
    answer = http.get(url, deadline=Deadline.after(5), max_bytes=1_000_000)       # follows redirects, refuses no 2xx
    with http.stream(url, deadline=Deadline.after(5), max_bytes=64_000_000) as body:
        for piece in body.pieces: ...
    answer = http.post(url, content=b"{}", headers={...}, deadline=Deadline.after(5))    # any status; no redirect
    http.close()

It raises AddressRefused (an InvalidInput naming `field`) and FetchFailed with its kinds (fetch_errors.py). Safe in
threads. Proxies, cookies and credentials of this process's environment are not used; what a URL holds before an @ is
sent to its own host only. `user:password@` and query never stand in a message.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpcore
import httpx

from services.adapters.address_guard import AddressGuard
from services.adapters.content_coding import decoded
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import BadAnswer, FetchFailed, TooLarge, TooSlow
from services.adapters.guarded_network import GuardedNetwork, bounded_by
from services.domain.errors import InvalidInput

REDIRECTS_MAX = 5
ANSWER_MAX = 64 * 1024  # bytes of an answer to a POST
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = ("http", "https")
_AGENT = "streamkeep"
_LARGE = "it is larger than {} bytes"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are in lower case, `url` is the one after all redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Body:
    """An answer whose body is still to be read from `pieces`."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]
    url: str


class GuardedHttp:
    """An HTTP/1.1 client for strangers' addresses; connections are kept for later requests until `close`."""

    def __init__(self, guard: AddressGuard, *, field: str = "source_url") -> None:
        """Connect where `guard` allows it; `field` is named in what is refused."""
        self._field = field
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=True),  # SSL_CERT_FILE, as everywhere
            max_connections=8,
            max_keepalive_connections=4,
            keepalive_expiry=30,
            network_backend=GuardedNetwork(guard, field),
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def get(self, url: str, *, deadline: Deadline, max_bytes: int, byte_range: tuple[int, int] | None = None) -> Answer:
        """Fetch all of it, or bytes `first` to `last` (both included); raise BadAnswer for a status other than 2xx."""
        with self.stream(url, deadline=deadline, max_bytes=max_bytes, byte_range=byte_range) as body:
            return Answer(body.status, body.headers, b"".join(body.pieces), body.url)

    @contextmanager
    def stream(
        self, url: str, *, deadline: Deadline, max_bytes: int, byte_range: tuple[int, int] | None = None
    ) -> Iterator[Body]:
        """Give the answer to a GET while it comes; raise as `get` does, in the block as well."""
        headers = {"Range": f"bytes={byte_range[0]}-{byte_range[1]}"} if byte_range else {}
        target = self._checked(url)
        for _ in range(REDIRECTS_MAX + 1):
            with self._request("GET", target, headers, deadline=deadline) as response:
                given = _headers(response)
                if response.status in _REDIRECTS and "location" in given:
                    target = self._next(target, given["location"])
                    continue
                if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                    raise BadAnswer(response.status)
                yield Body(response.status, given, _bounded(response, given, max_bytes), str(target))
                return
        raise FetchFailed(f"it leads through more than {REDIRECTS_MAX} redirects")

    def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
        deadline: Deadline,
        max_bytes: int = ANSWER_MAX,
    ) -> Answer:
        """Send `content` and give the answer, whatever its status: redirects are not followed."""
        target = self._checked(url)
        with self._request("POST", target, headers, content=content, deadline=deadline) as response:
            given = _headers(response)
            return Answer(response.status, given, b"".join(_bounded(response, given, max_bytes)), str(target))

    def _checked(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            raise InvalidInput(self._field, "it is no URL") from None
        if target.scheme not in _SCHEMES or not target.host:
            raise InvalidInput(self._field, f"it must begin with {'://, '.join(_SCHEMES)}:// and name a host")
        return target

    def _next(self, target: httpx.URL, location: str) -> httpx.URL:
        try:
            following = target.join(location)
        except httpx.InvalidURL:
            raise FetchFailed("it redirects to what is no URL") from None
        return self._checked(str(following))

    @contextmanager
    def _request(
        self,
        method: str,
        target: httpx.URL,
        headers: Mapping[str, str],
        *,
        deadline: Deadline,
        content: bytes | None = None,
    ) -> Iterator[httpcore.Response]:
        sent = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **_credentials(target), **headers}
        bare = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        with bounded_by(deadline), _told():
            stream = self._pool.stream(method, bare, headers=list(sent.items()), content=content)
            with stream as response:
                yield response


def _credentials(target: httpx.URL) -> dict[str, str]:
    if not target.userinfo:
        return {}
    pair = f"{target.username}:{target.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def _bounded(response: httpcore.Response, headers: Mapping[str, str], max_bytes: int) -> Iterator[bytes]:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise TooLarge(_LARGE.format(max_bytes))
    size = 0
    coding = headers.get("content-encoding", "identity").strip().lower()
    for piece in decoded(_pieces(response, max_bytes), coding):
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(_LARGE.format(max_bytes))
        yield piece


def _pieces(response: httpcore.Response, max_bytes: int) -> Iterator[bytes]:
    """Give what comes over the wire, whatever it may become."""
    size = 0
    stream: Iterable[bytes] = response.iter_stream()
    for piece in stream:
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(_LARGE.format(max_bytes))
        yield piece


@contextmanager
def _told() -> Iterator[None]:
    """Translate what the library raises; its messages may hold parts of an address and are not repeated."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise TooSlow("it was not over in time") from error
    except httpcore.ConnectError as error:
        raise FetchFailed("it takes no connection, or its certificate is not valid for its name") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise FetchFailed("it broke off, or does not speak HTTP") from error
