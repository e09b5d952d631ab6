"""The deployment's subscribers, as its operator spells them."""

from __future__ import annotations

import json
import re
from typing import Any

from services.domain.secrets import Secret
from services.domain.subscriber import (
    KAFKA,
    NAME,
    SECRETS_MAX,
    WEBHOOK,
    Subscriber,
    require_events,
    require_secret,
    require_webhook_url,
)

SINKS_MAX = 20
FORM = 'name=address words, or a JSON list of {"name": …, "url": …, "secret": …, "events": […], "options": {…}}'
_FIELDS = frozenset({"name", "url", "secret", "events", "options"})
_OPTION = re.compile(r"(security|sasl|ssl|compression|client)\.[a-z.]+")
_BROKERS = re.compile(r"kafka://[A-Za-z0-9_.:,\[\]-]+/[A-Za-z0-9._-]{1,249}")
_QUEUE = re.compile(r"sqs://[A-Za-z0-9_-]{1,80}(\.fifo)?")
_QUEUE_URL = re.compile(r"sqs:https?://[^\s/]+/\S+")
_PATH = re.compile(r"log:/[^\0\n]+")


def parse(spelled: str) -> tuple[Subscriber, ...]:
    """Read the deployment's sinks; raise ValueError that names the entry and what to do."""
    entries = _entries(spelled.strip())
    found = tuple(_subscriber(number, entry) for number, entry in enumerate(entries, 1))
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"sink {twice!r} is there twice: give each a name of its own")
    if len(found) > SINKS_MAX:
        raise ValueError(f"at most {SINKS_MAX} sinks")
    return found


def _entries(spelled: str) -> list[Any]:
    if not spelled.startswith("["):
        return [dict(zip(("name", "url"), word.split("=", 1), strict=False)) for word in spelled.split()]
    try:
        entries = json.loads(spelled)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}); it is {FORM}") from None
    return list(entries)


def _subscriber(number: int, entry: Any) -> Subscriber:  # noqa: ANN401 - whatever JSON holds
    """Read one entry; its secrets are in no message."""
    if not isinstance(entry, dict) or not {"name", "url"} <= entry.keys() <= _FIELDS:
        raise ValueError(f"entry {number} has no name and address, or something unknown: it is {FORM}")
    name, url = entry["name"], entry["url"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"entry {number}: a name is 1 to 40 letters, digits, _ and -")
    try:
        subscriber = Subscriber(
            name=name,
            url=_url(url),
            secrets=_secrets(entry.get("secret")),
            events=require_events(_texts(entry.get("events"), "events")),
            options=_options(entry.get("options")),
        )
    except ValueError as error:
        raise ValueError(f"sink {name!r}: {error}") from None
    _require_fitting(subscriber)
    return subscriber


def _url(url: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(url, str):
        raise ValueError("its address must be text")  # noqa: TRY004 - a caller's mistake like the others
    scheme = url.partition(":")[0].lower()
    if scheme in ("http", "https"):
        return _webhook(url)
    forms = {
        "sqs": ((_QUEUE, _QUEUE_URL), "sqs://queue-name or sqs:https://…, the queue's own address"),
        "kafka": ((_BROKERS,), "kafka://host:9092[,host:9092]/topic"),
        "log": ((_PATH,), "log:/absolute/path"),
    }
    if scheme not in forms:
        raise ValueError("its address begins with https://, http://, sqs:, kafka:// or log:/")
    patterns, form = forms[scheme]
    if not any(pattern.fullmatch(url) for pattern in patterns):
        raise ValueError(f"its address must be {form}")
    return url


def _webhook(url: str) -> str:
    try:
        return require_webhook_url(url)
    except ValueError as error:
        raise ValueError(f"its address {error}") from None


def _texts(value: Any, what: str) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{what} is a list of texts")
    return tuple(value)


def _secrets(value: Any) -> tuple[Secret, ...]:  # noqa: ANN401 - whatever JSON holds
    texts = (value,) if isinstance(value, str) else _texts(value, "secret, where it is no text,")
    if len(texts) > SECRETS_MAX:
        raise ValueError(f"at most {SECRETS_MAX} secrets: the new one and the one before")
    try:
        return tuple(require_secret(Secret(text)) for text in texts)
    except ValueError as error:
        raise ValueError(f"its secret {error}") from None


def _options(value: Any) -> dict[str, Secret]:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(_OPTION.fullmatch(name) for name in value):
        raise ValueError("options are librdkafka's that begin with security. sasl. ssl. compression. or client.")
    return {name: Secret(str(each)) for name, each in value.items()}


def _require_fitting(subscriber: Subscriber) -> None:
    if subscriber.secrets and subscriber.kind != WEBHOOK:
        raise ValueError(f"sink {subscriber.name!r}: a secret is for webhooks; leave it out")
    if subscriber.options and subscriber.kind != KAFKA:
        raise ValueError(f"sink {subscriber.name!r}: options are for Kafka; leave them out")
