"""AWS Lambda as far as it runs our function: each call in a process of its own, with the function's environment."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from tests.serving import serving

ROOT = Path(__file__).parent.parent.parent
NAME = "grabber"
_RUN = (
    "import json, sys; from services.grabber.function import handler; "
    "said = handler(json.load(sys.stdin), None); json.dump(said, sys.stdout)"
)


@contextlib.contextmanager
def lambda_service(variables: Mapping[str, str]) -> Iterator[str]:
    """Serve the function NAME, which sees `variables`, on a port of 127.0.0.1; give the address.

    An order that asks for `throttled` as its source is answered as Lambda answers too many at once.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = self.rfile.read(int(self.headers["Content-Length"]))
            if unquote(self.path) != f"/2015-03-31/functions/{NAME}/invocations":
                self._answer(404, b'{"Message": "no such function"}', "X-Amzn-ErrorType", "ResourceNotFoundException")
            elif json.loads(order)["source_url"] == "http://throttled/":
                self._answer(429, b'{"Message": "slow down"}', "X-Amzn-ErrorType", "TooManyRequestsException")
            else:
                self._run(order)

        def _run(self, order: bytes) -> None:
            environment = {"PATH": os.environ["PATH"], **variables}
            ran = subprocess.run(
                [sys.executable, "-c", _RUN], input=order, env=environment, cwd=ROOT, capture_output=True, check=False
            )
            if ran.returncode:
                self._answer(200, b'{"errorMessage": "it failed"}', "X-Amz-Function-Error", "Unhandled")
            else:
                self._answer(200, ran.stdout.splitlines()[-1], "X-Amz-Executed-Version", "$LATEST")

        def _answer(self, status: int, body: bytes, name: str, value: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"
