"""A real HTTP server in the callback app's place; it writes down what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import serving


class CallbackDouble(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refreshed: list[str] = []
        self.tokens: set[str | None] = set()
        self.ready = True
        self.metrics = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: CallbackDouble

    def do_POST(self) -> None:
        _, channels, channel_id, action = self.path.split("/")
        assert (channels, action) == ("channels", "refresh")
        self.server.refreshed.append(channel_id)
        self.server.tokens.add(self.headers["Authorization"])
        self._answer(HTTPStatus.NO_CONTENT)

    def do_GET(self) -> None:
        assert self.path in {"/readyz", "/metrics"}
        if self.path == "/metrics":
            self.server.tokens.add(self.headers["Authorization"])
        body = self.server.metrics if self.path == "/metrics" else b""
        self._answer(HTTPStatus.OK if self.server.ready else HTTPStatus.SERVICE_UNAVAILABLE, body)

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def callback_double() -> Iterator[CallbackDouble]:
    server = CallbackDouble()
    with serving(server):
        yield server
