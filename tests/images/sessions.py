"""Sessions in the state that containers see, written as the callback app would write them."""

from __future__ import annotations

import contextlib

from services.adapters.opening import open_state
from services.domain.clock import SystemClock
from tests.examples import a_channel, a_publisher, a_session


def on_air(name: str, table: str, **settings: object) -> tuple[str, ...]:
    """Write a channel with a connected publisher; give the arguments of the worker that captures it."""
    channel, session, now = f"channel-{name}", f"session-{name}", SystemClock().now()
    publisher = a_publisher(accepted_at=now)
    with contextlib.closing(open_state(sqlite_path=None, table=table)) as state:
        state.channels.add(a_channel(channel, **settings))
        state.sessions.save(session=a_session(session, channel_id=channel, started_at=now, publisher=publisher))
    return ("--channel", channel, "--session", session)
