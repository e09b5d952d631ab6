from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.domain import channel as channels
from services.domain import records
from services.domain.channel import Channel
from services.domain.secrets import Secret
from services.domain.session import Air, Block, Close, Lease, Publisher, Reason, Session, SessionState
from tests.examples import NOW, a_channel, a_session

MOMENTS = st.integers(0, 250_000_000_000_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
TEXTS = st.text(max_size=50)
NUMBERS = {name: st.floats(span.low, span.high) for name, span in channels.NUMBERS.items() if name != "hls_list_size"}
CHANNELS = st.builds(
    Channel,
    id=IDS,
    outdate=MOMENTS,
    created_at=MOMENTS,
    updated_at=MOMENTS,
    name=TEXTS,
    description=TEXTS,
    labels=st.dictionaries(TEXTS, TEXTS, max_size=3),
    hls_list_size=st.integers(3, 1_000),
    key_secret=TEXTS,
    older_fields=st.dictionaries(TEXTS, st.none() | st.booleans() | TEXTS, max_size=3),
    **NUMBERS,
)
REASONS = st.builds(Reason, code=TEXTS, detail=TEXTS, since=MOMENTS)
PUBLISHERS = st.builds(
    Publisher, gateway=TEXTS, client_id=TEXTS, address=TEXTS, accepted_at=MOMENTS, listening=st.booleans()
)
SESSIONS = st.builds(
    Session,
    id=IDS,
    channel_id=IDS,
    started_at=MOMENTS,
    pull_token=st.builds(Secret, TEXTS),
    state=st.sampled_from(SessionState),
    state_reason=st.none() | REASONS,
    ended_at=st.none() | MOMENTS,
    publisher=st.none() | PUBLISHERS,
    absent_since=st.none() | MOMENTS,
    close=st.none() | st.sampled_from(Close),
    closing=st.booleans(),
    media_sequence=st.integers(0),
    discontinuity_sequence=st.integers(0),
    version=st.integers(1),
)
AIRS = st.builds(
    Air,
    channel_id=IDS,
    session_id=st.none() | IDS,
    block=st.none() | st.builds(Block, until=st.none() | MOMENTS, reason=TEXTS, since=MOMENTS),
    media_sequence=st.integers(0),
    discontinuity_sequence=st.integers(0),
    version=st.integers(0),
)
LEASES = st.builds(Lease, session_id=IDS, epoch=st.integers(1), holder=TEXTS, expires_at=MOMENTS, control_url=TEXTS)


def stored(record: records.Record) -> records.Record:
    """Give a record as it comes back from where only JSON is kept."""
    back: records.Record = json.loads(json.dumps(record))
    return back


@given(CHANNELS)
def test_a_channel_comes_back_from_its_record(channel: Channel) -> None:
    assert records.channel_from_record(stored(records.channel_record(channel))) == channel


@given(SESSIONS)
def test_a_session_comes_back_from_its_record(session: Session) -> None:
    assert records.session_from_record(stored(records.session_record(session))) == session


@given(AIRS)
def test_what_a_channel_does_comes_back_from_its_record(air: Air) -> None:
    assert records.air_from_record(stored(records.air_record(air))) == air


@given(LEASES)
def test_a_lease_comes_back_from_its_record(lease: Lease) -> None:
    assert records.lease_from_record(stored(records.lease_record(lease))) == lease


def test_every_field_has_a_place_in_its_record() -> None:
    lease = Lease(session_id="session", epoch=1, holder="worker", expires_at=NOW)

    assert set(records.channel_record(a_channel())) == set(Channel.__slots__)
    assert set(records.session_record(a_session())) == set(Session.__slots__)
    assert set(records.air_record(Air(channel_id="camera"))) == set(Air.__slots__)
    assert set(records.lease_record(lease)) == set(Lease.__slots__)
