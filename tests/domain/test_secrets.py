from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import asdict

import pytest

from services.domain.secrets import Secret
from services.domain.signing import Keyring
from tests.examples import a_session

HIDDEN = "correct horse battery staple"
SECRET = Secret(HIDDEN)


def in_a_traceback() -> str:
    try:
        raise RuntimeError(SECRET)  # noqa: TRY301 - the case
    except RuntimeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


SHOWN: dict[str, Callable[[], object]] = {
    "repr": lambda: repr(SECRET),
    "str": lambda: str(SECRET),
    "f-string": lambda: f"{SECRET} {SECRET!r} {SECRET!s} {SECRET=}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031 - the case
    "format": lambda: "{} {!r}".format(SECRET, SECRET),  # noqa: UP032 - the case
    "in a list": lambda: str([SECRET]),
    "in a mapping": lambda: str({"secret": SECRET}),
    "in a session": lambda: repr(a_session(pull_token=SECRET)),
    "in a session's fields": lambda: str(asdict(a_session(pull_token=SECRET))),
    "in a keyring": lambda: repr(Keyring(secrets={"a": SECRET})),
    "in a traceback with its locals": in_a_traceback,
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_secret_is_never_shown(show: Callable[[], object]) -> None:
    shown = str(show())

    assert "Secret(" in shown
    assert not any(word in shown for word in HIDDEN.split())


def test_a_secret_refuses_a_format_of_its_own() -> None:
    with pytest.raises(TypeError):
        format(SECRET, ">40")


def test_a_secret_is_revealed_where_it_is_asked_for() -> None:
    assert SECRET.reveal() == HIDDEN


def test_a_secret_matches_itself_only() -> None:
    assert SECRET.matches(HIDDEN)
    assert not any(SECRET.matches(other) for other in ("", HIDDEN[:-1], HIDDEN + "x", HIDDEN.upper(), "é", "\ud800"))


def test_secrets_of_the_same_content_are_equal() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
