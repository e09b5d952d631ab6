"""moto's server, one request after the other: its threads look at an item's condition and write it in two steps.

`python -m tests.doubles.moto_in_turn PORT`
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class InTurn:
    """An application whose answers are whole before the next request is looked at."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._turn = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._turn:
            return list(self._app(environ, start_response))


if __name__ == "__main__":
    os.environ["MOTO_PORT"] = sys.argv[1]
    run_simple("127.0.0.1", int(sys.argv[1]), InTurn(), threaded=True, request_handler=MotoRequestHandler)
