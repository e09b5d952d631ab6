from __future__ import annotations

import socket

from services.runtime.serving import listen
from tests.metadata.running import DEADLINE_SECONDS


def test_a_small_answer_does_not_wait_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.settimeout(DEADLINE_SECONDS)
        with socket.create_connection(bound.getsockname(), DEADLINE_SECONDS):
            accepted, _ = bound.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
