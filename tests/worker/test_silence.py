from __future__ import annotations

from services.worker.capture.silence import SILENT_SECONDS, Silence
from tests.examples import a_publisher


def test_a_publisher_without_media_is_silent_after_a_while() -> None:
    silence = Silence()

    assert silence.left(a_publisher(), has_media=False, now=100.0) == SILENT_SECONDS
    assert silence.left(a_publisher(), has_media=False, now=101.0) == SILENT_SECONDS - 1
    assert silence.left(a_publisher(), has_media=False, now=100.0 + SILENT_SECONDS) == 0


def test_nobody_is_silent_while_media_arrives() -> None:
    silence = Silence()
    silence.left(a_publisher(), has_media=False, now=100.0)

    assert silence.left(a_publisher(), has_media=True, now=200.0) is None
    assert silence.left(a_publisher(), has_media=False, now=200.0) == SILENT_SECONDS


def test_nobody_is_silent_while_nobody_is_there() -> None:
    silence = Silence()
    silence.left(a_publisher(), has_media=False, now=100.0)

    assert silence.left(None, has_media=False, now=200.0) is None
    assert silence.left(a_publisher(), has_media=False, now=200.0) == SILENT_SECONDS


def test_each_publisher_has_its_own_time() -> None:
    silence = Silence()
    silence.left(a_publisher("1"), has_media=False, now=100.0)

    assert silence.left(a_publisher("2"), has_media=False, now=200.0) == SILENT_SECONDS
