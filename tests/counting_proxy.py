"""A proxy in front of an AWS emulator that counts what is asked: of DynamoDB by operation, of S3 by method."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.serving import serving

CONNECTIONS_MAX = 128  # one thread each; more wait to be let in
UPSTREAM_SECONDS = 30.0
_DYNAMODB = "DynamoDB_20120810."
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_READS = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
_STANDING = ("gateway/", "lease/reconciler", "lease/dispatcher")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "expect"})


@dataclass(frozen=True, slots=True)
class Calls:
    """What was asked since the last reset.

    `calls` counts DynamoDB's requests by operation, `items` what was asked for inside them (the keys of a batch, the
    parts of a transaction, one for any other), and `consistent` those of the items that were read consistently.
    `methods` counts S3's requests. What is written all the time, whoever is on air, is in `standing` and nowhere else.
    """

    calls: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    consistent: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)

    @property
    def writes(self) -> int:
        """Count the items that were to be written."""
        return sum(self.items[operation] for operation in _WRITES)

    @property
    def reads(self) -> int:
        """Count the items that were to be read; a query counts as one."""
        return sum(self.items[operation] for operation in _READS)

    @property
    def read_calls(self) -> int:
        """Count the requests that read."""
        return sum(self.calls[operation] for operation in _READS)

    @property
    def consistent_reads(self) -> int:
        """Count those of the reads that cost double: what was stored last was asked for."""
        return self.consistent.total()

    @property
    def read_units(self) -> float:
        """Give what the reads are paid for, with records of up to 4 KB: half a unit each, a whole one if consistent."""
        return (self.reads + self.consistent_reads) / 2

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            self.calls + other.calls,
            self.items + other.items,
            self.consistent + other.consistent,
            self.methods + other.methods,
            self.standing + other.standing,
        )


def _judged(method: str, target: str, body: bytes) -> Calls:
    """Give what one request counts for."""
    if not target.startswith(_DYNAMODB):
        return Calls(methods=Counter({method: 1}))
    operation = target.removeprefix(_DYNAMODB)
    asked: dict[str, Any] = json.loads(body or b"{}")
    standing = [key for key in _stored(asked) if key.startswith(_STANDING)]
    if standing:
        return Calls(standing=Counter(key.partition("/")[0] for key in standing))
    items, consistent = _items(operation, asked)
    return Calls(Counter({operation: 1}), Counter({operation: items}), Counter({operation: consistent}))


def _stored(asked: dict[str, Any]) -> list[str]:
    """Name the items that a request stores, one by one or in a batch."""
    batches = asked["RequestItems"].values() if "RequestItems" in asked else ()
    puts = [
        each["PutRequest"] for batch in batches if isinstance(batch, list) for each in batch if "PutRequest" in each
    ]
    return [put["Item"]["id"]["S"] for put in ([asked] if "Item" in asked else puts)]


def _items(operation: str, asked: dict[str, Any]) -> tuple[int, int]:
    """Give how many items a request is about, and how many of them are read consistently."""
    if operation == "BatchGetItem":
        tables = [(len(each["Keys"]), bool(each.get("ConsistentRead"))) for each in asked["RequestItems"].values()]
        return sum(count for count, _ in tables), sum(count for count, consistent in tables if consistent)
    if operation == "BatchWriteItem":
        return sum(len(requests) for requests in asked["RequestItems"].values()), 0
    if operation.startswith("Transact"):
        count = len(asked["TransactItems"])
        return count, count if operation == "TransactGetItems" else 0
    return 1, int(bool(asked.get("ConsistentRead")))


class CountingProxy:
    """Forwards every request to one address while the block runs; `url` is its own."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self._calls = Calls()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._serving = ExitStack()

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.close()

    def snapshot(self) -> Calls:
        """Give what was counted so far."""
        with self._lock:
            return self._calls + Calls()

    def reset(self) -> Calls:
        """Count from zero again; give what was counted until now."""
        with self._lock:
            calls, self._calls = self._calls, Calls()
        return calls

    def count(self, calls: Calls) -> None:
        with self._lock:
            self._calls += calls


class _Server(ThreadingHTTPServer):
    """Serves each connection in a thread, a bounded number at once."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, proxy: CountingProxy) -> None:
        self.proxy = proxy
        self._places = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        self._places.acquire()
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the base has it
        self._open.discard(request)
        super().shutdown_request(request)
        self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        """Say nothing of a client that was killed."""

    def server_close(self) -> None:
        """End the connections that clients keep alive, and wait for their threads."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    """Forwards the requests of one connection over one of its own."""

    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(*self.server.proxy.upstream, timeout=UPSTREAM_SECONDS)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        """Keep quiet."""

    def _forward(self) -> None:
        body = self._body()
        self.server.proxy.count(_judged(self.command, self.headers.get("X-Amz-Target", ""), body))
        try:
            answer = self._asked(body)
        except (ConnectionError, http.client.RemoteDisconnected):  # it closed a connection that was kept alive
            self._upstream.close()
            answer = self._asked(body)
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        told = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", told or "0")
        self.end_headers()
        self.wfile.write(content)

    def _asked(self, body: bytes) -> http.client.HTTPResponse:
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self._upstream.putheader(name, value)
        if body or self.command in ("PUT", "POST"):
            self._upstream.putheader("Content-Length", str(len(body)))
        self._upstream.endheaders(body)
        return self._upstream.getresponse()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(chunks)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 - http.server looks for these
