"""What stands between the stack and a server that it needs: it fails in the way that it is told to.

with FaultProxy(ministack_url) as store:
    store.fail("500")                               # also 403, 503, hang, drop_answer, gone
    store.fail("slow", seconds=4)                   # each PUT answers so much later
    store.fail("500", part="/recordings/")          # those requests only whose path contains it
    store.heal()
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self
from urllib.parse import urlsplit

Mode = Literal["500", "503", "403", "hang", "drop_answer", "gone", "slow"]
DEADLINE_SECONDS = 60.0
_OWN_TO_A_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive", "date", "server"})
_CODES = {"500": "InternalError", "503": "SlowDown", "403": "AccessDenied"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong now: `mode`, for requests of `methods` whose path and query contain `part`."""

    mode: Mode
    seconds: float = 0.0
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "POST", "DELETE")
    part: str = ""

    def meets(self, method: str, path: str) -> bool:
        return method in self.methods and self.part in path


class FaultProxy:
    """An address that serves what `upstream` does, unless told otherwise; `met` counts requests by mode."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._fault: Fault | None = None
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._place = socket.socket()  # keeps the port while nobody listens there
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port = int(self._place.getsockname()[1])
        self.met: Counter[str] = Counter()
        self.puts: Counter[str] = Counter()
        """How often each key was put, the store's answer being 2xx."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self.heal()
        self._stop_listening()
        self._place.close()

    def fail(self, mode: Mode, *, seconds: float = 0.0, part: str = "", methods: tuple[str, ...] | None = None) -> None:
        """Fail from now on; `seconds` is by how much "slow" delays a PUT (or `methods`)."""
        wanted = methods or (("PUT", "POST") if mode == "slow" else Fault("500").methods)
        self._turn(Fault(mode, seconds, wanted, part))
        if mode == "gone":
            self._stop_listening()

    def heal(self) -> None:
        """Work again."""
        self._turn(None)
        if self._server is None and not self._closing:
            self._listen()

    def _turn(self, fault: Fault | None) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def _listen(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.socket.close()  # first, so that nobody is let in any more
        with contextlib.suppress(OSError, ValueError):
            server.shutdown()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, fault: Fault, seconds: float) -> None:
        """Wait so long, or until the fault has passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault is not fault, seconds)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        method, fault = handler.command, self._fault
        if fault is None or not fault.meets(method, handler.path):
            self._pass_on(handler, body)
            return
        self.met[fault.mode] += 1
        match fault.mode:
            case "500" | "503" | "403":
                _refuse(handler, fault.mode)
            case "hang":
                self._wait(fault, DEADLINE_SECONDS)
                handler.close_connection = True
            case "gone":
                handler.close_connection = True
            case "drop_answer":
                self._pass_on(handler, body, answered=method in ("GET", "HEAD"))
            case "slow":
                self._wait(fault, fault.seconds)
                self._pass_on(handler, body)

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes, *, answered: bool = True) -> None:
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "expect"}
        with contextlib.closing(http.client.HTTPConnection(self._upstream, timeout=DEADLINE_SECONDS)) as upstream:
            upstream.request(handler.command, handler.path, body, headers)
            answer = upstream.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN_TO_A_CONNECTION]
            content = answer.read()
        if handler.command == "PUT" and answer.status // 100 == 2:
            self.puts[urlsplit(handler.path).path] += 1
        if not answered:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in kept:
            handler.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in kept):
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(b"" if handler.command == "HEAD" else content)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = DEADLINE_SECONDS

            def setup(self) -> None:
                super().setup()
                proxy._connections.add(self.connection)

            def finish(self) -> None:
                proxy._connections.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def answer(self) -> None:
                try:
                    proxy.serve(self)
                except (OSError, http.client.HTTPException):
                    self.close_connection = True

            do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - the names that http.server calls

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Tests tell what matters."""

        return Handler


def _refuse(handler: BaseHTTPRequestHandler, status: str) -> None:
    if "x-amz-target" in handler.headers:
        body = b'{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "as the test wants"}'
    else:
        body = f"<Error><Code>{_CODES[status]}</Code><Message>as the test wants</Message></Error>".encode()
    handler.send_response(int(status))
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(b"" if handler.command == "HEAD" else body)
