"""Some other server: it answers every request with a page that has nothing to do with AWS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import serving

PAGE = b"<html><body><h1>Nothing here</h1></body></html>"


@contextlib.contextmanager
def web_server(status: int) -> Iterator[str]:
    """Serve until the block ends, on a port of 127.0.0.1; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(PAGE)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - as the library names them

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"
