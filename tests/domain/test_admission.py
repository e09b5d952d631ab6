from __future__ import annotations

from datetime import timedelta

import pytest

from services.domain import admission, signing
from services.domain.channel import Channel
from services.domain.errors import PublishRefused
from services.domain.secrets import Secret
from services.domain.session import Air, Block, Close, Session
from services.domain.signing import Keyring
from tests.examples import NOW, a_channel, a_publisher, a_session

AIR = Air(channel_id="camera")
RING = Keyring(secrets={"a": Secret("secret")})
ON_AIR = a_session().with_publisher(a_publisher("1"))


def sign(channel: Channel, *, life: timedelta = timedelta(days=1)) -> str:
    return signing.sign_publish(
        RING,
        key_id="a",
        channel_id=channel.id,
        expires=int((NOW + life).timestamp()),
        key_version=channel.key_version,
    )


def test_an_ordinary_channel_may_be_on_air() -> None:
    admission.check_standing(a_channel(), AIR, NOW)


@pytest.mark.parametrize(
    ("channel", "air", "code"),
    [
        (a_channel(enabled=False), AIR, "disabled"),
        (a_channel(outdate=NOW), AIR, "key_expired"),
        (a_channel(), AIR.changed(block=Block(until=None, reason="", since=NOW)), "blocked"),
    ],
    ids=["disabled", "expired", "blocked"],
)
def test_a_channel_without_standing_is_refused(channel: Channel, air: Air, code: str) -> None:
    with pytest.raises(PublishRefused) as caught:
        admission.check_standing(channel, air, NOW)

    assert caught.value.code == code


def test_a_blocked_channel_is_told_until_when() -> None:
    air = AIR.changed(block=Block(until=NOW + timedelta(hours=1), reason="", since=NOW))

    with pytest.raises(PublishRefused, match=r"^the channel is blocked until 2026-11-20T11:00:00\.000Z$"):
        admission.check_standing(a_channel(), air, NOW)


def test_a_ban_that_is_over_refuses_nobody() -> None:
    admission.check_standing(a_channel(), AIR.changed(block=Block(until=NOW, reason="", since=NOW)), NOW)


def test_the_channels_own_signature_is_accepted() -> None:
    admission.check_signature(RING, a_channel(), sign(a_channel()), NOW)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "bad_signature"),
        ("1-abc", "bad_signature"),
        (sign(a_channel("other")), "bad_signature"),
        (sign(a_channel(key_version=2)), "bad_signature"),
        (sign(a_channel(), life=timedelta(0)), "key_expired"),
    ],
    ids=["none", "wrong", "another channel's", "another version's", "expired"],
)
def test_a_signature_that_is_not_good_is_refused_with_a_remedy(given: str, code: str) -> None:
    with pytest.raises(PublishRefused) as caught:
        admission.check_signature(RING, a_channel(), given, NOW)

    assert caught.value.code == code
    assert "stream key" in caught.value.detail


@pytest.mark.parametrize(
    "session",
    [None, a_session(), ON_AIR, a_session().lost_publisher(NOW), ON_AIR.ended(NOW)],
    ids=["no session", "nobody yet", "oneself", "interrupted", "ended"],
)
def test_nobody_is_in_the_way_where_nobody_else_is(session: Session | None) -> None:
    admission.check_vacancy(session)

    assert admission.incumbent(session, "gw/1", "1") is None


@pytest.mark.parametrize(("gateway", "client_id"), [("gw/1", "2"), ("other/1", "1")])
def test_the_publisher_on_air_is_in_the_way_of_a_second(gateway: str, client_id: str) -> None:
    assert admission.incumbent(ON_AIR, gateway, client_id) == ON_AIR.publisher


def test_a_publisher_that_a_restart_of_the_gateway_cut_is_in_nobodys_way() -> None:
    assert admission.incumbent(ON_AIR, "gw/2", "1") is None


def test_a_second_publisher_takes_over_where_the_channel_says_so() -> None:
    first = a_publisher("1")
    later = first.accepted_at + admission.LEAST_TENURE

    assert admission.may_take_over(a_channel(second_publisher="takeover"), first, later)
    assert not admission.may_take_over(a_channel(), first, later)


def test_nobody_is_taken_over_who_has_only_just_come() -> None:
    first = a_publisher("1")
    early = first.accepted_at + admission.LEAST_TENURE - timedelta(milliseconds=1)

    assert not admission.may_take_over(a_channel(second_publisher="takeover"), first, early)


@pytest.mark.parametrize(
    "session",
    [
        a_session().began_closing(),
        a_session().asked_to_close(Close.COMPLETE),
        a_session().asked_to_close(Close.STOP),
    ],
    ids=["closing", "completed", "stopped"],
)
def test_nobody_resumes_a_session_that_is_ending(session: Session) -> None:
    with pytest.raises(PublishRefused) as caught:
        admission.check_vacancy(session)

    assert caught.value.code == "finalising"
