"""A web server for sources: files in a folder with ranges, and answers that nobody should have to read.

with source_server(folder) as server:
    server.url("vod.m3u8")
    server.redirects["/moved"] = "http://10.0.0.1/"
"""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.serving import serving

ENDLESS, DRIP, DRIP_HEAD, SILENT, BOMB = "/endless", "/drip", "/drip-head", "/silent", "/bomb"
_PIECE = bytes(64 * 1024)
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_TICK = 0.02


@dataclass
class SourceServer:
    """What it serves, and what it was asked: (path, Host, Range, Authorization)."""

    folder: Path
    port: int = 0
    ranges: bool = True
    cut_at: int | None = None
    """After so many bytes of a whole file the connection breaks."""
    redirects: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path.lstrip('/')}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    source: SourceServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        host, wanted, shown = (self.headers.get(name, "") for name in ("Host", "Range", "Authorization"))
        self.source.asked.append((self.path, host, wanted, shown))
        path = self.path.partition("?")[0]
        try:
            self._answer(path)
        except OSError:
            self.close_connection = True

    def _answer(self, path: str) -> None:
        match path:
            case "/endless":
                self._begin(200)
                while not self.source.closing.is_set():
                    self._piece(_PIECE)
            case "/drip":
                self._begin(200)
                while not self.source.closing.wait(_TICK):
                    self._piece(b"x")
            case "/drip-head":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self.source.closing.wait(_TICK):
                    self.wfile.write(b"x")
            case "/silent":
                self.source.closing.wait(60)
                self.close_connection = True
            case "/bomb":
                self._send(200, gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"})
            case _ if path in self.source.redirects:
                self._send(302, b"", {"Location": self.source.redirects[path]})
            case _:
                self._file(path)

    def _begin(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _piece(self, body: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))

    def _file(self, path: str) -> None:
        body = self.source.bodies.get(path)
        file = self.source.folder / path.lstrip("/")
        if body is None and file.is_file():
            body = file.read_bytes()
        if body is None:
            self._send(404, b"", {})
            return
        wanted = _RANGE.fullmatch(self.headers.get("Range", "")) if self.source.ranges else None
        marks = {"Accept-Ranges": "bytes"} if self.source.ranges else {}
        if wanted:
            first, last = int(wanted[1]), int(wanted[2])
            self._send(206, body[first : last + 1], marks | {"Content-Range": f"bytes {first}-{last}/{len(body)}"})
        elif self.source.cut_at is not None:
            self._send(200, body[: self.source.cut_at], marks | {"Content-Length": str(len(body))})
            self.close_connection = True
        else:
            self._send(200, body, marks)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: callers that break off are what is tested."""


@contextmanager
def source_server(folder: Path) -> Iterator[SourceServer]:
    """Serve until the block ends, on a port of 127.0.0.1."""
    source = SourceServer(folder)
    handler = type("Handler", (_Handler,), {"source": source})
    server = _Server(("127.0.0.1", 0), handler)
    source.port = server.server_port
    try:
        with serving(server):
            yield source
            source.closing.set()
    finally:
        source.closing.set()
