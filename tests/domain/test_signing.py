from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import signing
from services.domain.secrets import Secret
from services.domain.signing import Keyring

OLD = Secret("old secret")
NEW = Secret("new secret")
RING = Keyring(secrets={"a": OLD})
BOTH = Keyring(secrets={"b": NEW, "a": OLD})
NEW_ONLY = Keyring(secrets={"b": NEW})
EXPIRES = 2_000_000_000


def publish_sign(
    keyring: Keyring = RING, *, key_id: str = "a", channel_id: str = "camera", key_version: int = 1
) -> str:
    return signing.sign_publish(keyring, key_id=key_id, channel_id=channel_id, expires=EXPIRES, key_version=key_version)


def judged(
    sign: str, keyring: Keyring = RING, *, channel_id: str = "camera", key_version: int = 1, now: float = EXPIRES - 1
) -> str:
    return signing.verify_publish(keyring, sign=sign, channel_id=channel_id, key_version=key_version, now=now)


def link_judged(token: str, key: str, keyring: Keyring = RING, *, now: float = EXPIRES - 1) -> str:
    return signing.verify_link(keyring, token=token, key=key, now=now)


def test_a_stream_key_is_good_until_it_expires() -> None:
    sign = publish_sign()

    assert judged(sign) == "ok"
    assert judged(sign, now=EXPIRES - 0.001) == "ok"
    assert judged(sign, now=EXPIRES) == "expired"


@given(st.data())
def test_a_stream_key_with_any_character_changed_is_not_good(data: st.DataObject) -> None:
    sign = publish_sign()
    at = data.draw(st.integers(0, len(sign) - 1))
    other = data.draw(st.sampled_from("0123456789abcdef-/ \n").filter(lambda character: character != sign[at]))

    assert judged(sign[:at] + other + sign[at + 1 :], now=0) in ("wrong", "malformed")


def test_a_later_expiry_cannot_be_written_into_a_stream_key() -> None:
    mac = publish_sign().partition("-")[2]

    assert judged(f"{EXPIRES + 1}-{mac}", now=EXPIRES) == "wrong"


def test_a_stream_key_is_good_for_its_channel_only() -> None:
    assert judged(publish_sign(channel_id="camera"), channel_id="other") == "wrong"


def test_a_stream_key_of_an_earlier_version_is_not_good() -> None:
    assert judged(publish_sign(key_version=1), key_version=2) == "wrong"


@pytest.mark.parametrize("part", [slice(None, -1), slice(None, 16)])
def test_a_shortened_stream_key_is_not_good(part: slice) -> None:
    assert judged(publish_sign()[part]) == "wrong"


@given(st.text(st.characters()))
def test_any_text_at_all_is_judged_and_not_good(sign: str) -> None:
    assert judged(sign) in ("wrong", "malformed")
    assert link_judged(sign, "snapshots/c/latest.jpg") in ("wrong", "malformed")


@pytest.mark.parametrize(
    "sign", ["", "-", "abc", "abc-def", "-5-abc", "1.5-abc", "\u0661-abc", "1234567890123-abc", " 1-abc", "+1-abc"]
)
def test_what_has_no_expiry_in_front_is_malformed(sign: str) -> None:
    assert judged(sign) == "malformed"


def test_text_that_is_no_unicode_is_judged_too() -> None:
    assert judged("1-\ud800") == "wrong"
    assert judged(publish_sign(), channel_id="\ud800") == "wrong"
    assert link_judged("1-\ud800", "hls/\ud800/live.m3u8") == "wrong"


def test_during_a_rotation_keys_of_both_secrets_are_good() -> None:
    assert judged(publish_sign(BOTH, key_id="a"), BOTH) == "ok"
    assert judged(publish_sign(BOTH, key_id="b"), BOTH) == "ok"
    assert publish_sign(BOTH, key_id="a") != publish_sign(BOTH, key_id="b")


def test_after_a_rotation_keys_of_the_old_secret_are_not_good() -> None:
    assert judged(publish_sign(RING), NEW_ONLY) == "wrong"


def test_a_channel_whose_secret_left_is_shown_a_key_that_works() -> None:
    assert judged(publish_sign(NEW_ONLY, key_id="a"), NEW_ONLY) == "ok"


def test_the_first_secret_signs_new_keys() -> None:
    assert BOTH.signer == "b"


def test_a_link_opens_its_key_until_it_expires() -> None:
    token = signing.sign_link(RING, key="snapshots/c/latest.jpg", expires=EXPIRES)

    assert link_judged(token, "snapshots/c/latest.jpg") == "ok"
    assert link_judged(token, "snapshots/c/latest.jpg", now=EXPIRES) == "expired"


@pytest.mark.parametrize(
    "key", ["snapshots/d/latest.jpg", "snapshots/c/", "snapshots/c/latest.jpg/", "hls/c/live.m3u8"]
)
def test_a_link_to_an_object_opens_that_object_only(key: str) -> None:
    token = signing.sign_link(RING, key="snapshots/c/latest.jpg", expires=EXPIRES)

    assert link_judged(token, key) == "wrong"


@pytest.mark.parametrize("key", ["hls/c/live.m3u8", "hls/c/session/000000001.ts", "hls/c/session/vod.m3u8"])
def test_a_link_to_a_playlist_opens_all_that_it_names(key: str) -> None:
    token = signing.sign_link(RING, key="hls/c/live.m3u8", expires=EXPIRES)

    assert link_judged(token, key) == "ok"


@pytest.mark.parametrize("key", ["hls/cc/live.m3u8", "hls/d/live.m3u8", "hls/", "hls", "snapshots/c/latest.jpg", ""])
def test_a_link_to_a_playlist_opens_nothing_of_another_channel(key: str) -> None:
    token = signing.sign_link(RING, key="hls/c/live.m3u8", expires=EXPIRES)

    assert link_judged(token, key) == "wrong"


@given(st.text("abc/", max_size=12), st.text("abc/", max_size=12))
def test_a_link_never_opens_a_key_of_another_scope(signed: str, asked: str) -> None:
    token = signing.sign_link(RING, key=signed, expires=EXPIRES)

    assert (link_judged(token, asked) == "ok") == (signed == asked)


def test_a_leaked_link_gives_no_right_to_publish_even_under_the_same_secret() -> None:
    for key in ("camera", "/stream/camera", "hls/camera/live.m3u8", "/stream/camera\n1"):
        assert judged(signing.sign_link(RING, key=key, expires=EXPIRES)) == "wrong"


def test_a_stream_key_opens_no_object() -> None:
    assert link_judged(publish_sign(), "hls/camera/live.m3u8") == "wrong"


def test_links_stay_good_during_a_rotation() -> None:
    token = signing.sign_link(RING, key="clips/c/x.mp4", expires=EXPIRES)

    assert link_judged(token, "clips/c/x.mp4", BOTH) == "ok"
    assert link_judged(token, "clips/c/x.mp4", NEW_ONLY) == "wrong"


def test_a_setting_gives_its_secrets_in_order() -> None:
    keyring = Keyring.parse(Secret("b:new secret,a:old:secret"))

    assert dict(keyring.secrets) == {"b": NEW, "a": Secret("old:secret")}
    assert keyring.signer == "b"


@pytest.mark.parametrize("spelled", ["", "secret", "a:", ":secret", "a:x,", "a:x,b"])
def test_a_setting_of_another_form_is_refused_without_showing_it(spelled: str) -> None:
    with pytest.raises(ValueError, match=r"^secrets are spelled id:secret\[,id:secret\]$"):
        Keyring.parse(Secret(spelled))


def test_a_keyring_has_a_secret() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        Keyring(secrets={})
