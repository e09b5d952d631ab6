"""What a stack tells of a broadcast, with no setting at all."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx

from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def told(stack: Stack, channel_id: str) -> list[dict[str, Any]]:
    """Give the events of a channel, as `tail -F data/events.jsonl` shows them."""
    path = stack.data / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [event for event in events if event["data"]["channel_id"] == channel_id]


def told_of_the_end(stack: Stack, channel_id: str) -> list[dict[str, Any]] | None:
    events = told(stack, channel_id)
    return events if events and events[-1]["type"] == "session.ended" else None


def test_a_broadcast_is_told_from_its_start_to_its_end_with_links_that_open(stack: Stack, media: Media) -> None:
    channel = stack.create(image_time=1, labels={"team": "sport"})
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND), seconds=4, loop=False) as publisher:
        publisher.wait(within=15)
    stack.api.post(f"/channels/{channel['id']}/complete")

    events = eventually(lambda: told_of_the_end(stack, channel["id"]), within=10, what="the end is told")
    kinds = [event["type"] for event in events]
    picture = next(event["data"] for event in events if event["type"] == "snapshot.created")
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    assert kinds[0] == "session.started"
    assert {"snapshot.created", "recording.created"} <= set(kinds)
    assert picture["labels"] == {"team": "sport"}
    body = httpx.get(picture["url"]).raise_for_status().content
    assert hashlib.sha256(body).hexdigest() == picture["sha256"]
    assert stack.api.get("/dead-letters").json()["items"] == []
