"""A receiver of webhooks on a real port, which behaves as it is told and keeps what it took."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HANG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One request, whatever it was answered."""

    headers: dict[str, str]
    body: bytes
    path: str
    port: int
    at: float

    @property
    def envelope(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    """Answers 200 unless `behave` is given another way: a status, or "hang", "drip", "drop"."""

    def __init__(self, port: int = 0) -> None:
        self._place = socket.socket()  # keeps the port while nobody listens there
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", port))
        self.port = int(self._place.getsockname()[1])
        self.taken: list[Taken] = []
        self.tried: list[Taken] = []
        self._ids: list[str] = []
        self._connections: set[socket.socket] = set()
        self.headers: dict[str, str] = {}
        self.heard = threading.Condition()
        self.judge: Callable[[Taken], int] | None = None
        self._way: int | str = 200
        self._ended = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events?of=streamkeep"

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        self._place.close()

    def behave(self, way: int | str, **headers: str) -> None:
        self.headers = headers
        self._way = way
        self._ended.set()  # whoever hangs goes on
        self._ended = threading.Event()

    def up(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        """Take no connection any more, and end those that are open."""
        self.behave(self._way, **self.headers)
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def until(self, last: str, within: float = 10.0) -> None:
        """Wait until the event of that id was taken."""
        with self.heard:
            is_so = self.heard.wait_for(lambda: last in self._ids, within)
        assert is_so, f"{last} is not among the {len(self.taken)} taken within {within:g} s"

    def ids(self) -> list[str]:
        return list(self._ids)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer waits some 40 ms for the client's acknowledgement

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._serve(self, Taken(headers, body, self.path, self.client_address[1], time.time()))

            def setup(self) -> None:
                super().setup()
                receiver._connections.add(self.connection)

            def finish(self) -> None:
                receiver._connections.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, request: Taken) -> None:
        way, ended = self._way, self._ended
        with self.heard:
            self.tried.append(request)
        if isinstance(way, str):
            self._misbehave(handler, way, ended)
            return
        status = self.judge(request) if self.judge is not None else way
        if status // 100 == 2:
            with self.heard:
                self.taken.append(request)
                self._ids.append(request.envelope["id"])
                self.heard.notify_all()
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    def _misbehave(self, handler: BaseHTTPRequestHandler, way: str, ended: threading.Event) -> None:
        handler.close_connection = True
        if way == "hang":
            ended.wait(HANG_SECONDS)
        if way == "drip":  # each byte comes in time, and the answer never ends
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not ended.wait(0.05):
                try:
                    handler.wfile.write(b"a")
                except OSError:
                    return
