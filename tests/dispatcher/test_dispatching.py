"""From the outbox to the sinks, by the program that does it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.domain.event import SESSION_ENDED, SNAPSHOT_CREATED
from services.domain.links import SignedLinks
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.domain.webhook import Webhook
from tests.dispatcher.dispatching import LINK_SECRETS, World, once, world_in
from tests.doubles.receiver import Receiver
from tests.waiting import eventually


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as world:
        yield world


@pytest.fixture
def one() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_every_sink_is_told_in_order_and_the_outbox_is_empty_again(
    world: World, one: Receiver, other: Receiver
) -> None:
    first = world.happen(250)
    running = world.start(f"one={one.url} other={other.url}")

    one.until(first[-1])
    other.until(first[-1])
    world.until_forgotten()
    second = world.happen(3)
    other.until(second[-1])

    assert other.ids() == first + second
    assert one.ids()[:250] == first
    envelope = one.taken[0].envelope
    assert _is_open(envelope["data"])
    assert 'streamkeep_events_sent_total{sink="other"}' in running.metrics()
    assert running.stop() == 0


def _is_open(data: dict[str, str]) -> bool:
    links = SignedLinks(keyring=Keyring.parse(Secret(LINK_SECRETS)), public_url="http://127.0.0.1:8000")
    token = urlsplit(data["url"]).path.split("/")[2]
    return links.judge(token, data["key"], now=datetime.now(UTC)) == "ok"


def test_a_dead_sink_delays_no_other_and_gets_everything_when_it_is_back(
    world: World, one: Receiver, other: Receiver
) -> None:
    one.behave("hang")
    running = world.start(f"one={one.url} other={other.url}")
    running.says("dispatcher_leads")
    ids = [event for number in range(12) for event in world.happen(1, stream=f"session-{number}")]

    other.until(ids[-1], within=2)
    one.down()
    running.says("sink_away")
    ids += world.happen(40)
    other.until(ids[-1], within=2)
    one.behave(200)
    one.up()

    one.until(ids[-1], within=40)
    world.until_forgotten()
    of_one = [each.envelope for each in one.taken if each.envelope["data"]["session_id"] == "session-1"]
    assert set(one.ids()) == set(ids)
    assert [each["sequence"] for each in of_one] == sorted({each["sequence"] for each in of_one})


def test_an_event_that_a_receiver_chokes_on_holds_up_its_own_stream_alone(world: World, one: Receiver) -> None:
    (choking,) = world.happen(1, stream="session-bad")
    one.judge = lambda request: 500 if request.envelope["id"] == choking else 200
    running = world.start(f"one={one.url}")
    eventually(lambda: len(one.tried) > 3, within=10, what="it is tried again and again")

    (well,) = world.happen(1, stream="session-good")
    one.until(well, within=8)

    assert one.ids() == [well]
    one.judge = None
    one.until(choking, within=40)
    assert running.stop() == 0


def test_a_refused_event_becomes_a_letter_and_the_next_goes_on(world: World, one: Receiver) -> None:
    ids = world.happen(3)
    one.judge = lambda request: 422 if request.envelope["id"] == ids[1] else 200
    world.start(f"one={one.url}")

    one.until(ids[2])
    (letter,) = world.letters(1)

    assert one.ids() == [ids[0], ids[2]]
    assert (letter.event.id, letter.sink, letter.tries, letter.error) == (ids[1], "one", 3, "it answers 422")


def test_a_webhook_that_wants_no_more_is_left_alone_until_its_settings_change(
    world: World, one: Receiver, other: Receiver
) -> None:
    one.behave(410)
    channel = world.channel("channel-own", sinks=(Webhook(url=one.url),))
    ids = world.happen(30, channel_id="channel-own")
    running = world.start(f"other={other.url}", ALLOWED_NETWORKS="127.0.0.0/8")
    running.says("sink_away")
    (told,) = world.happen(1, stream="session-other")
    other.until(told)

    assert len(one.tried) == 1
    assert not world.state.outbox.letters(1)
    one.behave(200)
    changed = channel.changed(datetime.now(UTC), sinks=(Webhook(url=one.url, events=(SNAPSHOT_CREATED,)),))
    world.state.channels.replace(changed)

    one.until(ids[-1])
    assert one.ids() == ids


def test_a_letter_that_is_replayed_is_taken_or_stays(world: World, one: Receiver) -> None:
    (mended, hopeless) = world.happen(2)
    one.behave(422)
    world.start(f"one={one.url}")
    letters = world.letters(2)
    one.behave(200)
    one.judge = lambda request: 422 if request.envelope["id"] == hopeless else 200

    for letter in letters:
        world.state.outbox.bury(replace(letter, replaying=True))

    one.until(mended)
    (stays,) = eventually(
        lambda: [each for each in world.letters(1) if not each.replaying], within=10, what="the other is given up again"
    )
    assert (stays.event.id, stays.tries) == (hopeless, 4)


def test_events_too_old_for_a_dead_sink_are_given_up_and_later_ones_wait(world: World, one: Receiver) -> None:
    one.down()
    world.happen(30, ago=3_600)
    (young,) = world.happen(1)
    world.start(f"one={one.url}", GIVE_UP_SECONDS="600")

    letters = world.letters(30)
    one.up()

    one.until(young, within=40)
    assert one.ids() == [young]
    assert "does not answer" in letters[0].error


def test_a_killed_dispatcher_has_a_successor_at_once_that_goes_on(world: World, one: Receiver) -> None:
    ids = world.happen(400)
    first = world.start(f"one={one.url}")
    eventually(lambda: len(one.taken) > 50, within=15, what="some were sent")
    first.kill()
    second = world.start(f"one={one.url}")

    one.until(ids[-1], within=15)

    assert once(one.ids()) == ids
    assert second.stop() == 0


def test_of_two_dispatchers_one_sends_and_the_other_takes_over_when_it_stops(world: World, one: Receiver) -> None:
    first = world.start(f"one={one.url}")
    first.says("dispatcher_leads")
    second = world.start(f"one={one.url}")
    second.says("dispatcher_stands_by")
    ids = world.happen(20)
    one.until(ids[-1])

    assert one.ids() == ids  # each once
    assert first.stop() == 0
    second.says("dispatcher_leads", within=5)
    more = world.happen(5)
    one.until(more[-1])
    assert one.ids() == ids + more


def test_a_channel_has_the_sinks_that_it_names_and_webhooks_of_its_own(
    world: World, one: Receiver, other: Receiver
) -> None:
    secret = "whsec_" + "b3du" * 10
    own = Webhook(url=other.url, secret=Secret(secret), events=(SESSION_ENDED,))
    world.channel("channel-own", sinks=(own,))
    world.channel("channel-all")
    world.start(f"one={one.url}", ALLOWED_NETWORKS="127.0.0.0/8")

    world.happen(1, stream="session-own", channel_id="channel-own")
    (ended,) = world.happen(1, stream="session-own", channel_id="channel-own", kind=SESSION_ENDED)
    (told,) = world.happen(1, stream="session-all", channel_id="channel-all")

    other.until(ended)
    one.until(told)
    world.until_forgotten()
    assert (one.ids(), other.ids()) == ([told], [ended])
    assert "webhook-signature" in other.taken[0].headers
    assert "webhook-signature" not in one.taken[0].headers


def test_a_channel_s_own_webhook_reaches_nothing_inside(world: World, other: Receiver) -> None:
    world.channel("channel-own", sinks=(Webhook(url=other.url),))
    world.happen(1, channel_id="channel-own", ago=3_600)
    world.start("", GIVE_UP_SECONDS="600")

    (letter,) = world.letters(1)

    assert "STREAMKEEP_ALLOWED_NETWORKS" in letter.error
    assert not other.tried


def test_an_event_is_sent_within_half_a_second(world: World, one: Receiver) -> None:
    world.start(f"one={one.url}").says("dispatcher_leads")
    waits = []
    for _ in range(12):
        began = time.monotonic()
        (event,) = world.happen(1, kind=SNAPSHOT_CREATED)
        one.until(event)
        waits.append(time.monotonic() - began)

    print(f"appended to taken: median {sorted(waits)[6]:.3f} s, second longest {sorted(waits)[10]:.3f} s")
    assert sorted(waits)[10] <= 0.5


@pytest.mark.parametrize(
    ("sinks", "told"),
    [
        ("hook=https://u:p@example.com", "no password"),
        ('[{"name": "hook", "url": "https://example.com", "secret": "short"}]', "openssl rand"),
    ],
)
def test_a_sink_that_cannot_be_is_named_with_the_remedy(world: World, sinks: str, told: str) -> None:
    running = world.start(sinks)

    assert running.process.wait(15) == 2
    said = running.log_path.read_text()
    assert "STREAMKEEP_SINKS" in said
    assert told in said
    assert "short" not in said


def test_a_sink_that_hangs_does_not_hold_up_the_stop(world: World, one: Receiver) -> None:
    one.behave("hang")
    world.happen(1)
    running = world.start(f"one={one.url}")
    eventually(lambda: one.tried, what="it is tried")
    began = time.monotonic()

    assert running.stop() == 0
    assert time.monotonic() - began < 6
