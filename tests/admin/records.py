"""A state with a bit of everything, and what is in a state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.adapters.opening import State
from services.domain.records import air_record, channel_record, session_record
from services.domain.session import Air, Block, Close, Reason, SessionState
from tests.examples import NOW, a_channel, a_publisher, a_session

HOSTILE = 'a\n{"kind":"channel"}\r\n\x00\x1b[31m\u2028 "quoted" \\ 日本語 🎥'
CHANNELS = ("camera", "hostile", "blocked", "idle")
BAN = Block(until=NOW + timedelta(days=1), reason=HOSTILE[:100], since=NOW)


def fill(state: State, *, ended: int = 3) -> None:
    """Store an open session, `ended` ones, bans, text of all kinds and the sessions of a deleted channel."""
    for number, name in enumerate(CHANNELS):
        state.channels.add(a_channel(name, created_at=NOW + timedelta(seconds=number), image_time=0.5, version=7))
    state.channels.replace(
        state.channels.get("hostile").changed(
            NOW, name=HOSTILE, labels={HOSTILE: HOSTILE}, older_fields={"x": [1, 2.5, None, {"y": HOSTILE}]}
        )
    )
    for number in range(ended):
        began = NOW + timedelta(seconds=number)
        session = a_session(f"ended-{number}", started_at=began, media_sequence=number)
        state.sessions.save(session=session)
        state.sessions.save(session=session.ended(began + timedelta(seconds=1)))
    failed = a_session("failed", channel_id="hostile")
    state.sessions.save(session=failed)
    state.sessions.save(session=failed.failed(NOW, Reason(code="worker_failing", detail=HOSTILE, since=NOW)))
    opened = a_session(
        "open",
        state=SessionState.INTERRUPTED,
        state_reason=Reason(code="publisher_away", detail="gone", since=NOW),
        publisher=a_publisher(listening=True),
        absent_since=NOW,
        close=Close.COMPLETE,
        media_sequence=9,
    )
    state.sessions.save(session=opened, air=Air(channel_id="camera").opened("open"))
    state.sessions.save(air=state.sessions.air("camera").changed(media_sequence=12, discontinuity_sequence=3))
    state.sessions.save(air=Air(channel_id="blocked").changed(block=BAN))
    for name in ("deleted-1", "deleted-2"):
        state.sessions.save(session=a_session(name, channel_id="deleted", started_at=NOW))
        state.sessions.save(session=state.sessions.get(name).ended(NOW))
    state.sessions.save(air=Air(channel_id="deleted").changed(last_session_id="deleted-2", media_sequence=4))


def contents(state: State) -> dict[str, dict[str, Any]]:
    """Give all records by kind and id; versions of sessions and airs, which an import begins anew, are left out."""
    sessions = state.sessions.page(100_000)
    airs = [state.sessions.air(name) for name in (*CHANNELS, *{session.channel_id for session in sessions})]
    return {
        "channels": {each.id: channel_record(each) for each in state.channels.page(100_000)},
        "sessions": {each.id: session_record(each) | {"version": None} for each in sessions},
        "airs": {each.channel_id: air_record(each) | {"version": None} for each in airs if each.version},
    }
