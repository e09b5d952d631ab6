"""A server between a client and DynamoDB (or an emulator), that a test lets lose, delay or change answers."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from tests.serving import serving

Answer = tuple[int, dict[str, Any]]
Forward = Callable[[], Answer]
Rule = Callable[[dict[str, Any], Forward], Answer | None]
"""Gets a request and how to have it carried out; gives what the client shall see, None to say nothing at all."""


def error(code: str, status: int = 400, **more: object) -> Answer:
    """Give an error as DynamoDB spells it."""
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"by a test: {code}", **more}


class Between:
    """Passes all on, except the next calls of the operations that a test gave rules for."""

    def __init__(self, upstream: str) -> None:
        self.calls: list[str] = []
        self._upstream = urlsplit(upstream)
        self._rules: dict[str, list[Rule]] = {}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._serving = contextlib.ExitStack()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def on(self, operation: str, *rules: Rule) -> None:
        """Let each rule see one call of the operation, in this order; later calls pass."""
        self._rules.setdefault(operation, []).extend(rules)

    def play(self, operation: str, body: bytes, headers: dict[str, str]) -> Answer | None:
        self.calls.append(operation)

        def forward() -> Answer:
            connection = http.client.HTTPConnection(self._upstream.netloc, timeout=10)
            try:
                connection.request("POST", "/", body, headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            finally:
                connection.close()

        rules = self._rules.get(operation)
        return rules.pop(0)(json.loads(body), forward) if rules else forward()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are sent one after the other

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                answer = between.play(self.headers["X-Amz-Target"].rpartition(".")[2], body, headers)
                if answer is None:
                    self.close_connection = True
                    return
                text = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the one it replaces
                pass

        return Handler

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(self, *_exception: object) -> None:
        self._serving.close()
