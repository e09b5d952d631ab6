"""Logging: events with fields, as lines for people or as JSON; text from outside is escaped by both."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TextIO

import structlog

from services.runtime.steady_output import steady


def configure(service: str, *, level: str, form: str) -> None:
    """Set up structlog and the standard library's loggers to write to standard error.

    `form` is `console` or `json`; `service` is named in every event.
    """
    stderr = steady(sys.stderr)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _named(service),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [
            _quote,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=_write_indented
            ),
        ]
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stderr)
    bare = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[bare, *last]))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


def _named(service: str) -> structlog.typing.Processor:
    """Name the service in every event; a context variable would do so in one thread only."""

    def name(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return name


def _escaped(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _write_indented(lines: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Write a traceback, indented: an error's text may have lines of its own, which must not look like events."""
    lines.writelines(f"\n    {_escaped(line)}" for line in "".join(traceback.format_exception(*error)).splitlines())


def _quote(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escape control characters, so that no text from outside begins a line of its own."""
    for name, value in event.items():
        if isinstance(value, str) and name != "stack":
            event[name] = _escaped(value)
    return event
