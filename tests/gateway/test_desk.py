from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.errors import PublishRefused
from services.domain.secrets import Secret
from services.domain.session import Block, Close, Session, SessionState
from services.domain.signing import Keyring, sign_publish
from services.gateway.callback import Callback
from services.gateway.desk import Desk
from tests.examples import NOW, a_channel

KEYRING = Keyring.parse(Secret("new:publish-secret-two,old:publish-secret-one"))
FOREIGN = Keyring.parse(Secret("new:another-secret"))
GATEWAY = "local/first"


class StillClock:
    """Stands at NOW until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


class Counter:
    """A desk over real state, with what publishers bring to it."""

    def __init__(self, state: SqliteState) -> None:
        self.state = state
        self.clock = StillClock()
        self.desk = Desk(channels=state.channels, sessions=state.sessions, keyring=KEYRING, clock=self.clock)

    def add_channel(self, channel_id: str = "camera", **settings: Any) -> None:  # noqa: ANN401 - any field
        self.state.channels.add(a_channel(channel_id, **settings))

    def callback(self, client_id: int = 1, **fields: str) -> Callback:
        sent = {"gateway": GATEWAY, "channel_id": "camera", "address": "192.0.2.7", "sign": sign(), **fields}
        return Callback(client_id=str(client_id), **sent)

    def admit(self, client_id: int = 1, *, listening: bool = False, **fields: str) -> Session:
        return self.desk.admit(self.callback(client_id, **fields), lambda _session_id: listening)

    def refusal(self, client_id: int = 1, **fields: str) -> str:
        with pytest.raises(PublishRefused) as refused:
            self.desk.admit(self.callback(client_id, **fields), lambda _session_id: False)
        return refused.value.code

    def leave(self, client_id: int = 1, **fields: str) -> Session | None:
        return self.desk.publisher_left(self.callback(client_id, **fields))

    def stored(self) -> Session:
        session_id = self.state.sessions.air("camera").session_id
        assert session_id is not None
        return self.state.sessions.get(session_id)

    def store(self, session: Session) -> Session:
        changed = replace(session, version=session.version + 1)
        self.state.sessions.save(session=changed)
        return changed


def sign(
    channel_id: str = "camera",
    *,
    keyring: Keyring = KEYRING,
    key_id: str = "new",
    key_version: int = 1,
    life: timedelta = timedelta(days=1),
) -> str:
    expires = int((NOW + life).timestamp())
    return sign_publish(keyring, key_id=key_id, channel_id=channel_id, expires=expires, key_version=key_version)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with SqliteState(tmp_path / "state.db") as state:
        counter = Counter(state)
        counter.add_channel()
        yield counter


def test_the_first_publisher_opens_a_session(counter: Counter) -> None:
    session = counter.admit(7)

    assert counter.stored() == session
    assert session.publisher is not None
    assert (session.publisher.gateway, session.publisher.client_id) == (GATEWAY, "7")
    assert session.state is SessionState.STARTING


def test_an_unknown_channel_is_refused(counter: Counter) -> None:
    assert counter.refusal(channel_id="nobody", sign=sign("nobody")) == "unknown_channel"


@pytest.mark.parametrize(
    "given", ["", "x", "1", "1-", "-", "abc-def", "-1-ab", "9" * 40 + "-ab", "\uff11-ab", "1_0-ab"]
)
def test_a_malformed_signature_is_refused(counter: Counter, given: str) -> None:
    assert counter.refusal(sign=given) == "bad_signature"


@pytest.mark.parametrize("given", [sign(keyring=FOREIGN), sign()[:-1], sign() + "0", sign().upper(), "1" + sign()])
def test_a_wrong_signature_is_refused(counter: Counter, given: str) -> None:
    assert counter.refusal(sign=given) == "bad_signature"


def test_another_channels_signature_is_refused(counter: Counter) -> None:
    counter.add_channel("other")

    assert counter.refusal(sign=sign("other")) == "bad_signature"


def test_an_expired_signature_is_refused(counter: Counter) -> None:
    assert counter.refusal(sign=sign(life=timedelta(0))) == "key_expired"


def test_the_key_from_before_a_rotation_is_refused_and_the_new_one_accepted(counter: Counter) -> None:
    counter.state.channels.replace(counter.state.channels.get("camera").changed(NOW, key_version=2))
    old = counter.refusal()

    assert old == "bad_signature"
    assert counter.admit(sign=sign(key_version=2)) == counter.stored()


def test_a_key_signed_with_the_second_secret_of_the_ring_is_accepted(counter: Counter) -> None:
    assert counter.admit(sign=sign(key_id="old")) == counter.stored()


def test_a_disabled_channel_is_refused(counter: Counter) -> None:
    counter.state.channels.replace(counter.state.channels.get("camera").changed(NOW, enabled=False))

    assert counter.refusal() == "disabled"


def test_a_channel_whose_outdate_has_passed_is_refused(counter: Counter) -> None:
    counter.state.channels.replace(counter.state.channels.get("camera").changed(NOW, outdate=NOW))

    assert counter.refusal() == "key_expired"


def test_a_blocked_channel_is_refused_until_its_time_has_passed(counter: Counter) -> None:
    block = Block(until=NOW + timedelta(minutes=1), reason="spam", since=NOW)
    counter.state.sessions.save(air=counter.state.sessions.air("camera").changed(block=block))
    before = counter.refusal()
    counter.clock.time += timedelta(minutes=1)

    assert before == "blocked"
    assert counter.admit() == counter.stored()


def test_a_second_publisher_is_refused_and_the_first_stays(counter: Counter) -> None:
    counter.admit(1)
    second = counter.refusal(2)

    assert second == "on_air"
    assert counter.stored().publisher is not None


def test_what_a_refused_second_publisher_leaves_does_not_end_the_first(counter: Counter) -> None:
    counter.admit(1)

    assert counter.leave(2) is None
    assert counter.stored().publisher is not None


def test_the_departure_of_the_publisher_interrupts_its_session(counter: Counter) -> None:
    counter.admit(1)
    session = counter.leave(1)

    assert session is not None
    assert counter.stored() == session
    assert session.state is SessionState.INTERRUPTED
    assert session.absent_since == NOW


def test_the_departure_of_the_same_number_in_another_life_of_nginx_ends_nothing(counter: Counter) -> None:
    counter.admit(1)

    assert counter.leave(1, gateway="local/second") is None
    assert counter.stored().publisher is not None


def test_a_publisher_that_returns_resumes_its_session(counter: Counter) -> None:
    first = counter.admit(1)
    counter.leave(1)
    resumed = counter.admit(2)

    assert resumed.id == first.id
    assert resumed.pull_token == first.pull_token
    assert resumed.publisher is not None
    assert resumed.absent_since is None


def test_a_resumed_session_knows_whether_its_worker_already_pulls(counter: Counter) -> None:
    counter.admit(1)
    counter.leave(1)
    resumed = counter.admit(2, listening=True)

    assert resumed.publisher is not None
    assert resumed.publisher.listening


def test_the_same_connection_asking_again_is_admitted_again(counter: Counter) -> None:
    first = counter.admit(1)

    assert counter.admit(1).id == first.id


def test_a_publisher_of_an_earlier_life_of_nginx_is_not_in_the_way(counter: Counter) -> None:
    first = counter.admit(1)
    resumed = counter.admit(1, gateway="local/second")

    assert resumed.id == first.id
    assert resumed.publisher is not None
    assert resumed.publisher.gateway == "local/second"


def test_a_publisher_on_another_gateway_is_in_the_way(counter: Counter) -> None:
    counter.admit(1)

    assert counter.refusal(1, gateway="elsewhere/first") == "on_air"


@pytest.mark.parametrize("closing", [{"closing": True}, {"close": Close.STOP}, {"close": Close.COMPLETE}], ids=str)
def test_a_session_that_is_being_finalised_is_not_resumed(counter: Counter, closing: dict[str, Any]) -> None:
    counter.admit(1)
    counter.leave(1)
    counter.store(replace(counter.stored(), **closing))

    assert counter.refusal(2) == "finalising"


def test_a_publisher_after_the_end_opens_a_new_session_that_continues_the_playlist(counter: Counter) -> None:
    first = counter.admit(1)
    air = counter.state.sessions.air("camera").changed(media_sequence=40, discontinuity_sequence=2)
    counter.state.sessions.save(session=counter.stored().ended(NOW), air=air)
    second = counter.admit(2)

    assert second.id != first.id
    assert (second.media_sequence, second.discontinuity_sequence) == (40, 2)


def test_a_publisher_whose_last_sessions_record_is_gone_opens_a_new_one(counter: Counter) -> None:
    air = counter.state.sessions.air("camera").changed(session_id="deleted")
    counter.state.sessions.save(air=air)

    assert counter.admit().id == counter.stored().id


@pytest.mark.parametrize("returning", [False, True])
def test_of_many_publishers_at_once_one_is_admitted(counter: Counter, returning: bool) -> None:  # noqa: FBT001
    racers = 8
    if returning:
        counter.admit(100)
        counter.leave(100)
    start = threading.Barrier(racers)

    def race(client_id: int) -> str:
        start.wait(10)
        try:
            return counter.admit(client_id).id
        except PublishRefused as refusal:
            return refusal.code

    for round_number in range(5):
        with ThreadPoolExecutor(racers) as pool:
            outcomes = list(pool.map(race, range(round_number * racers, (round_number + 1) * racers)))
        winner = counter.stored().publisher
        assert winner is not None
        assert sorted(outcomes) == sorted([counter.stored().id, *["on_air"] * (racers - 1)])
        counter.leave(int(winner.client_id))


def test_the_mark_of_a_listening_worker_goes_to_the_publisher_it_was_for(counter: Counter) -> None:
    first = counter.admit(1)
    counter.leave(1)
    counter.admit(2)

    assert counter.desk.heard(first) is None
    stored = counter.stored()
    assert stored.publisher is not None
    assert not stored.publisher.listening


def test_only_the_token_of_the_channels_own_open_session_plays(counter: Counter) -> None:
    counter.add_channel("other")
    ours = counter.admit(1)
    other = counter.admit(2, channel_id="other", sign=sign("other"))
    token = ours.pull_token.reveal()

    def may(session_id: str, token: str) -> bool:
        return counter.desk.may_play(counter.callback(9, session_id=session_id, token=token))

    assert may(ours.id, token)
    assert not may(ours.id, "")
    assert not may(ours.id, token + "x")
    assert not may(ours.id, other.pull_token.reveal())
    assert not may(other.id, other.pull_token.reveal())
    assert not may("", token)
    assert not may("unknown", token)


def test_the_token_of_a_session_that_has_ended_plays_no_more(counter: Counter) -> None:
    session = counter.admit(1)
    counter.state.sessions.save(session=counter.stored().ended(NOW))
    player = counter.callback(9, session_id=session.id, token=session.pull_token.reveal())

    assert not counter.desk.may_play(player)
