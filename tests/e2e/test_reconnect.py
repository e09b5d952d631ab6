"""The publisher goes and comes back: one session, declared gaps, valid playlists."""

from __future__ import annotations

from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def test_the_session_ends_when_the_window_has_passed(stack: Stack, media: Media) -> None:
    channel = stack.create(reconnect_window=1)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND), seconds=3, loop=False) as publisher:
        publisher.wait(within=15)

    stack.wait_for_state(channel["id"], "idle", within=6)

    assert stack.session(channel["id"])["state"] == "ended"
    assert stack.live(channel["id"]).is_endlist


def test_the_next_session_continues_the_live_playlists_sequences(stack: Stack, media: Media) -> None:
    channel = stack.create(reconnect_window=0, is_video=False, is_image=False)
    url = channel["publish"]["url"]
    with Publisher(url, media.file(WITH_SOUND), seconds=5, loop=False) as publisher:
        publisher.wait(within=15)
    stack.wait_for_state(channel["id"], "idle", within=6)
    first = stack.live(channel["id"])
    with Publisher(url, media.file(WITH_SOUND), seconds=5, loop=False) as publisher:
        publisher.wait(within=15)
    eventually(lambda: len(stack.sessions(channel["id"])) == 2, within=5, what="a second session")
    stack.wait_for_state(channel["id"], "idle", within=6)
    second = stack.live(channel["id"])

    assert second.media_sequence == (first.media_sequence or 0) + len(first.segments)
    assert second.discontinuity_sequence == (first.discontinuity_sequence or 0) + 1
    assert second.is_endlist


def test_stop_cuts_the_publisher_and_keeps_it_out_until_unblock(stack: Stack, media: Media) -> None:
    channel = stack.create()
    url = channel["publish"]["url"]
    with Publisher(url, media.file(WITH_SOUND)) as publisher:
        stack.wait_for_state(channel["id"], "live", within=8)
        stack.api.post(f"/channels/{channel['id']}/stop", json={"reason": "rules"}).raise_for_status()
        assert publisher.wait(within=4) != 0
    eventually(lambda: stack.session(channel["id"])["state"] == "ended", within=8, what="the session has ended")
    blocked = stack.channel(channel["id"])
    with Publisher(url, media.file(WITH_SOUND)) as publisher:
        assert publisher.wait(within=4) != 0
    stack.api.post(f"/channels/{channel['id']}/unblock").raise_for_status()
    with Publisher(url, media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
    stack.api.post(f"/channels/{channel['id']}/complete")

    assert (blocked["state"], blocked["state_reason"]["detail"]) == ("blocked", "rules")


def test_a_new_stream_key_shuts_the_old_one_out(stack: Stack, media: Media) -> None:
    channel = stack.create(reconnect_window=0)
    renewed = stack.api.post(f"/channels/{channel['id']}/key").raise_for_status().json()

    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)) as old:
        assert old.wait(within=4) != 0
    with Publisher(renewed["publish"]["url"], media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
