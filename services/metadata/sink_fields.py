"""The channel's field `sinks`, as a caller sets it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from services.domain.errors import InvalidInput
from services.domain.event import TYPES
from services.domain.secrets import Secret
from services.domain.subscriber import NAME, URL_MAX, require_events, require_secret, require_webhook_url
from services.domain.webhook import SINKS_MAX, WEBHOOKS_MAX, Sinks

_FORM = 'must be a list of names and of webhooks, {"url": …, "secret": …, "events": […]}, or null for all sinks'
_FIELDS = frozenset({"url", "secret", "events"})
_SHOWN = frozenset({"name", "signed"})  # in answers only: what an answer held may be sent back

_SCHEMA = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "array",
            "maxItems": SINKS_MAX,
            "items": {
                "anyOf": [
                    {"type": "string", "pattern": f"^{NAME.pattern}$", "description": "A sink of the deployment."},
                    {
                        "type": "object",
                        "required": ["url"],
                        "properties": {
                            "url": {"type": "string", "format": "uri", "maxLength": URL_MAX},
                            "secret": {
                                "type": ["string", "null"],
                                "writeOnly": True,
                                "description": "Signs what is sent, `whsec_…`; if left out the one that is stored "
                                "for this address stays, empty text removes it.",
                            },
                            "events": {
                                "type": "array",
                                "items": {"type": "string", "enum": list(TYPES)},
                                "description": "Types of events, all if empty.",
                            },
                        },
                    },
                ]
            },
        },
    ]
}


def _sinks(value: Any) -> list[Any] | None:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(_FORM)  # noqa: TRY004 - pydantic takes ValueError
    return [_sink(each) for each in value]


def _sink(value: Any) -> str | dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or "url" not in value or not value.keys() <= _FIELDS | _SHOWN:
        raise ValueError(_FORM)
    url, secret, events = value["url"], value.get("secret"), value.get("events") or []
    if not isinstance(url, str) or not isinstance(secret, str | None) or not _are_texts(events):
        raise ValueError(_FORM)
    _checked("url", lambda: require_webhook_url(url))
    if secret:
        _checked("secret", lambda: require_secret(Secret(secret)))
    _checked("events", lambda: require_events(tuple(events)))
    return {"url": url, "secret": secret, "events": events}


def _are_texts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _checked(name: str, check: Callable[[], object]) -> None:
    try:
        check()
    except ValueError as error:
        raise ValueError(f"a webhook's {name}: {error}") from None


SinkList = Annotated[list[Any] | None, BeforeValidator(_sinks), WithJsonSchema(_SCHEMA)]
DESCRIPTION = (
    "Who is told of this channel's events: names of sinks that the deployment has, and up to "
    f"{WEBHOOKS_MAX} webhooks of its own; all sinks of the deployment if left out."
)


def require_known(sinks: Sinks, names: Collection[str]) -> None:
    """Raise InvalidInput if the deployment has no sink of a name."""
    unknown = next((each for each in sinks or () if isinstance(each, str) and each not in names), None)
    if unknown is not None:
        known = ", ".join(sorted(names)) or "none: STREAMKEEP_SINKS of the deployment is empty"
        raise InvalidInput("sinks", f"there is no sink {unknown[:40]!r}; known are {known}")
