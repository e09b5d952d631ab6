"""What stands between a client and an emulator of S3: as strict as S3 about checksums, and faulty when told so."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

from tests.serving import serving

DEADLINE_SECONDS = 30.0
_OWN_TO_A_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive", "date", "server"})


@dataclass(frozen=True, slots=True)
class Request:
    """One that came, with its whole body."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


Fault = Callable[["StrictS3", Request], Answer | None]
"""What is done with a request instead; None closes the connection without an answer."""


def refuse(status: int, code: str) -> Fault:
    """Answer an error of S3's, and pass nothing on."""
    return lambda _, __: _error(status, code)


def lose_answer(strict: StrictS3, request: Request) -> None:
    """Pass the request on, and its answer not back."""
    strict.pass_on(request)


def corrupt(strict: StrictS3, request: Request) -> Answer:
    """Change the last byte on the way."""
    return strict.judge(Request(request.method, request.path, request.headers, request.body[:-1] + b"\xff"))


def hold(held: threading.Event) -> Fault:
    """Say that the request is there, and do nothing with it until the end of the test."""

    def keep(strict: StrictS3, _: Request) -> None:
        held.set()
        strict.closing.wait(DEADLINE_SECONDS)

    return keep


class StrictS3:
    """An address that serves what `upstream` does; `requests` are all that came."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._faults: list[tuple[str, str, Fault]] = []
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._serving = contextlib.ExitStack()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._serving.close()

    def meet(self, method: str, fault: Fault, *, times: int = 1, part: str = "") -> None:
        """Meet the next requests of a method whose path and query contain `part` with a fault."""
        self._faults += [(method, part, fault)] * times

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    def answer(self, request: Request) -> Answer | None:
        self.requests.append(request)
        for number, (method, part, fault) in enumerate(self._faults):
            if method == request.method and part in request.path:
                del self._faults[number]
                return fault(self, request)
        return self.judge(request)

    def judge(self, request: Request) -> Answer:
        """Pass a request on if its body is what its checksum says."""
        told = request.headers.get("x-amz-checksum-sha256")
        if told is not None and base64.b64decode(told) != hashlib.sha256(request.body).digest():
            return _error(400, "BadDigest")
        return self.pass_on(request)

    def pass_on(self, request: Request) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(self._upstream, timeout=DEADLINE_SECONDS)) as connection:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "expect"}
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN_TO_A_CONNECTION]
            return Answer(answer.status, kept, answer.read())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        strict = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = strict.answer(Request(self.command, self.path, self.headers, body))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name, _ in answer.headers):
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else answer.body)

            do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = serve  # noqa: N815 - the names that http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Tests tell what matters."""

        return Handler


def _error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as the test wants</Message></Error>".encode()
    return Answer(status, [("Content-Type", "application/xml")], body)
