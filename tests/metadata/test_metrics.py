from __future__ import annotations

from tests.metadata.running import INTERNAL_TOKEN, Running
from tests.metadata.test_bad_input import assert_problem


def test_what_the_callback_app_has_gathered_is_passed_on(service: Running) -> None:
    service.callback.metrics = b"streamkeep_takeovers_total 2.0\n"

    answer = service.client.get("/metrics")

    assert (answer.status_code, answer.content) == (200, service.callback.metrics)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert service.callback.tokens == {f"Bearer {INTERNAL_TOKEN}"}


def test_a_callback_app_that_does_not_answer_is_said(service: Running) -> None:
    service.callback.ready = False

    assert "callback app" in assert_problem(service.client.get("/metrics"), 503)["detail"]
