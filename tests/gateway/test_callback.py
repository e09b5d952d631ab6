from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.errors import InvalidInput
from services.gateway.callback import Callback

# What nginx 1.22.1 with libnginx-mod-rtmp 1.2.2 sends when a publisher arrives, up to the publisher's own query.
FROM_NGINX = (
    b"app=stream&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:1935/stream&pageurl="
    b"&addr=192.0.2.7&clientid=17&call=publish&name=camera&type=live"
)
SPOOFED = b"name=victim&call=publish_done&clientid=999&addr=8.8.8.8&app=other&flashver=x"


def parsed(query: bytes) -> Callback:
    return Callback.parse(FROM_NGINX + b"&" + query, gateway="local/boot", call="publish")


def ours(callback: Callback) -> tuple[str, str, str, str]:
    return callback.gateway, callback.channel_id, callback.client_id, callback.address


TRUE = ("local/boot", "camera", "17", "192.0.2.7")


def test_what_nginx_sends_is_read() -> None:
    callback = parsed(b"sign=1-ab")

    assert ours(callback) == TRUE
    assert callback.sign == "1-ab"


@pytest.mark.parametrize(
    "query",
    [
        SPOOFED,
        b"sign=1-ab&" + SPOOFED,
        b'"&' + SPOOFED + b"'\"",
        b"x=\n&" + SPOOFED + b"\r\nname=victim",
        b"x=%0a%0d%0aname=victim&" + SPOOFED,
        "grüße=日本&name=víctim".encode(),
        b"\xff\xfe&name=\xff\xfe\x00&clientid=\x00",
        b"%26name=victim&%6eame=victim&na%6de=victim",
        b"Name=victim&NAME=victim& name=victim",
        b"&&&&=&=victim&name&clientid&",
        b"x=" + b"y" * 4096 + b"&name=victi",
        b"&" * 5000 + SPOOFED,
    ],
    ids=str,
)
def test_a_publishers_query_cannot_speak_for_nginx(query: bytes) -> None:
    assert ours(parsed(query)) == TRUE


def test_the_first_signature_counts() -> None:
    assert parsed(b"sign=1-ab&sign=2-cd").sign == "1-ab"


def test_a_signature_is_read_whatever_follows_it_and_is_cut_short() -> None:
    query = b"sign=1-ab&" + b"junk=" + b"%C3%A9" * 700

    assert parsed(query[:401]).sign == "1-ab"


def test_the_session_and_token_of_a_player_are_unescaped() -> None:
    callback = parsed(b"session=01abc&token=a%2Db_c")

    assert (callback.session_id, callback.token) == ("01abc", "a-b_c")


def test_keys_and_tokens_do_not_show_in_a_callbacks_repr() -> None:
    assert "secret" not in repr(parsed(b"sign=1-secret&token=secret"))


@pytest.mark.parametrize("app", [b"", b"live", b"stream2", b"Stream", b"stream%00", b"../stream"])
def test_another_application_is_refused_by_name(app: bytes) -> None:
    body = FROM_NGINX.replace(b"app=stream", b"app=" + app)

    with pytest.raises(InvalidInput, match=r"^app: "):
        Callback.parse(body, gateway="local/boot", call="publish")


@pytest.mark.parametrize(
    "name", [b"", b"..", b"../x", b"..%2F..%2Fx", b"a/b", b"a%00b", b"a%0Ab", b"%FF", b"-a", b"a" * 65, "é".encode()]
)
def test_a_name_that_is_no_id_is_refused_by_name(name: bytes) -> None:
    body = FROM_NGINX.replace(b"name=camera", b"name=" + name)

    with pytest.raises(InvalidInput, match=r"^name: "):
        Callback.parse(body, gateway="local/boot", call="publish")


@pytest.mark.parametrize("client_id", [b"", b"-1", b"1.5", b"x", "²".encode(), b"9" * 21])
def test_a_client_id_that_is_no_number_is_refused_by_name(client_id: bytes) -> None:
    body = FROM_NGINX.replace(b"clientid=17", b"clientid=" + client_id)

    with pytest.raises(InvalidInput, match=r"^clientid: "):
        Callback.parse(body, gateway="local/boot", call="publish")


def test_a_call_sent_to_another_hook_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"^call: "):
        Callback.parse(FROM_NGINX, gateway="local/boot", call="publish_done")


@given(st.binary(max_size=2000))
@example(b"")
@example(b"name=%")
@example(b"clientid=%zz&sign=%ed%a0%80")
def test_any_query_leaves_nginxs_fields_as_they_are(query: bytes) -> None:
    assert ours(parsed(query)) == TRUE


_PIECES = st.sampled_from(
    [
        b"app=stream",
        b"call=publish",
        b"name=camera",
        b"name=",
        b"clientid=1",
        b"clientid=",
        b"sign=",
        b"%",
        b"%00",
        b"&",
    ]
)


@given(st.one_of(st.binary(max_size=500), st.lists(st.one_of(_PIECES, st.binary(max_size=20))).map(b"&".join)))
def test_any_body_is_read_or_refused_as_invalid(body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        Callback.parse(body, gateway="local/boot", call="publish")
