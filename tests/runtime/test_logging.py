from __future__ import annotations

import json
from typing import Any

import pytest

from tests.runtime import program

START = """
import logging as standard, pathlib, threading, structlog
from services.runtime import logging
logging.configure("test", level={level!r}, form={form!r})
log = structlog.get_logger()
"""
FAKE = "harmless\\n2026-11-20T10:00:00Z [info] stop_asked\\r\\x1b[2Jend"

CALLS = {
    "a value": f"log.info('event', name='{FAKE}')",
    "an event": f"log.info('{FAKE}')",
    "a value in a list": f"log.info('event', names=['{FAKE}'])",
    "a value in a mapping": f"log.info('event', names={{'name': '{FAKE}'}})",
    "a path": f"log.info('event', path=pathlib.Path('{FAKE}'))",
    "bytes": f"log.info('event', body=b'{FAKE}')",
    "an error as a value": f"log.info('event', error=ValueError('{FAKE}'))",
    "a bound value": f"log.bind(name='{FAKE}').info('event')",
    "a line separator": "log.info('event', name='a\\u2028harmless\\x85 end')",
    "a library's message": f"standard.getLogger('library').warning('%s', '{FAKE}')",
}


def logged(call: str, *, form: str, level: str = "info") -> str:
    done = program.run(START.format(form=form, level=level) + call)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_text_from_outside_begins_a_line_or_moves_the_cursor(call: str, form: str) -> None:
    text = logged(call, form=form)

    assert "harmless" in text or "body" in text
    assert text.endswith("\n")
    assert text[:-1].splitlines() == [text[:-1]]
    assert "\x1b" not in text


def test_a_readable_text_is_left_as_it_is() -> None:
    assert "name='Küche ☕'" in logged("log.info('event', name='Küche ☕')", form="console")


def test_an_event_is_one_json_object_with_its_fields() -> None:
    event: dict[str, Any] = json.loads(logged("log.info('segment_shipped', seconds=2.0)", form="json"))

    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "segment_shipped", "level": "info", "seconds": 2.0, "service": "test"}


def test_a_librarys_message_is_one_json_object_too() -> None:
    event = json.loads(logged("standard.getLogger('library').warning('%s is odd', 'this')", form="json"))

    assert (event["event"], event["level"], event["service"]) == ("this is odd", "warning", "test")


def test_an_event_in_another_thread_names_its_service_too() -> None:
    call = "thread = threading.Thread(target=log.info, args=('event',)); thread.start(); thread.join()"

    assert json.loads(logged(call, form="json"))["service"] == "test"


def test_an_error_is_logged_with_where_it_came_from() -> None:
    call = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('failed')"

    assert "ZeroDivisionError: division by zero" in json.loads(logged(call, form="json"))["exception"]
    assert "ZeroDivisionError: division by zero" in logged(call, form="console")


@pytest.mark.parametrize("call", ["log.exception('failed')", "standard.getLogger('library').exception('failed')"])
def test_an_error_whose_text_has_lines_of_its_own_looks_like_no_event(call: str) -> None:
    text = logged(f"try:\n    raise ValueError('{FAKE}')\nexcept ValueError:\n    {call}", form="console")

    assert "stop_asked" in text
    assert [line for line in text.splitlines()[1:] if not line.startswith("    ")] == []
    assert "\x1b" not in text


def test_what_is_below_the_level_is_not_logged() -> None:
    assert logged("log.info('event')", form="json", level="warning") == ""
    assert logged("log.debug('event')", form="json", level="debug") != ""
