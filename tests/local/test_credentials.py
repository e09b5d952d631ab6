from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from services.domain.signing import Keyring
from services.local.credentials import Credentials
from services.local.errors import CannotStart


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"

    first, second = Credentials.at(path, None), Credentials.at(path, None)

    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_stacks_have_no_secret_in_common(tmp_path: Path) -> None:
    one, two = Credentials.at(tmp_path / "one", None), Credentials.at(tmp_path / "two", None)

    assert {one.token, one.internal_token, one.publish_secrets, one.link_secrets}.isdisjoint(
        {two.token, two.internal_token, two.publish_secrets, two.link_secrets}
    )


def test_a_token_from_the_environment_is_used_and_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"

    given = Credentials.at(path, "chosen")

    assert given.token.reveal() == "chosen"
    assert "chosen" not in path.read_text()
    assert Credentials.at(path, None).token != given.token


def test_the_signing_secrets_have_the_form_that_the_services_read(tmp_path: Path) -> None:
    credentials = Credentials.at(tmp_path / "secrets.json", None)

    for spelled in (credentials.publish_secrets, credentials.link_secrets):
        assert isinstance(Keyring.parse(spelled), Keyring)


def test_secrets_that_others_may_read_are_made_private_again(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    Credentials.at(path, None)
    path.chmod(0o644)

    Credentials.at(path, None)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"token": 5}', json.dumps({"token": "a", "publish_secrets": {}})])
def test_a_broken_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)

    with pytest.raises(CannotStart, match=r"secrets\.json.*restore it"):
        Credentials.at(path, None)

    assert path.read_text() == content
