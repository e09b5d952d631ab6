"""Addresses that a channel's owner has us send to: one that leads inside is refused when it is given.

That holds for an IP address itself. A name may lead elsewhere at any time, and is judged whenever it is connected to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from services.domain.addresses import NOT_PUBLIC, Network, is_forbidden
from services.domain.errors import InvalidInput
from services.domain.webhook import Webhook


def require_outward(fields: Mapping[str, Any], allowed: Sequence[Network]) -> None:
    """Raise InvalidInput that names the field whose address a stranger may not send us to."""
    if _leads_inside(fields.get("source_url") or "", allowed):
        raise InvalidInput("source_url", NOT_PUBLIC)
    webhooks = (each for each in fields.get("sinks") or () if isinstance(each, Webhook))
    if any(_leads_inside(each.url, allowed) for each in webhooks):
        raise InvalidInput("sinks", f"a webhook's url: {NOT_PUBLIC}")


def _leads_inside(url: str, allowed: Sequence[Network]) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:  # the channel itself says what is wrong with it
        return False
    return host is not None and is_forbidden(host, allowed)
