"""Which rows are kept in vain; nothing is asked or done here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from services.reconciler.actions import Action, ForgetGateway
from services.reconciler.sight import Sight

FORGOTTEN_AFTER = timedelta(minutes=10)
"""How long a dead gateway's row stays, for whoever looks at what happened."""


def decide(sight: Sight) -> Iterator[Action]:
    """Give the gateways that are dead for long and that no open session names."""
    sessions = (each.session for each in sight.standings.values())
    named = {session.publisher.gateway for session in sessions if session is not None and session.publisher is not None}
    for gateway in sight.gateways.values():
        if sight.now >= gateway.seen_at + FORGOTTEN_AFTER and gateway.name not in named:
            yield ForgetGateway(reason="it is dead", name=gateway.name)
