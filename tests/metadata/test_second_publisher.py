from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.domain.session import Reason
from tests.metadata.broadcasts import go_live
from tests.metadata.running import Running


@pytest.mark.parametrize("policy", ["refuse", "takeover"])
def test_the_policy_is_kept_and_shown(service: Running, policy: str) -> None:
    channel = service.create(second_publisher=policy)

    assert service.read(channel["id"])["second_publisher"] == policy
    assert service.state.channels.get(channel["id"]).second_publisher == policy


def test_the_policy_can_be_changed(service: Running) -> None:
    channel = service.create(second_publisher="takeover")
    service.client.patch(f"/channels/{channel['id']}", json={"second_publisher": "refuse"}).raise_for_status()

    assert service.read(channel["id"])["second_publisher"] == "refuse"


@pytest.mark.parametrize(("age", "code"), [(timedelta(0), "second_publisher"), (timedelta(minutes=3), None)])
def test_the_refusal_of_a_second_publisher_is_shown_for_a_while(
    service: Running, age: timedelta, code: str | None
) -> None:
    channel = service.create()
    session = go_live(service, channel["id"], channel["id"])
    refusal = Reason(code="second_publisher", detail="another was refused", since=datetime.now(UTC) - age)
    live = replace(session.turned_another_away(refusal), state_reason=None)
    service.state.sessions.save(session=live)

    reason = service.read(channel["id"])["state_reason"]

    assert (reason and reason["code"]) == code
