"""Several gateways on one state: their rows, and a publisher that comes to one while its connection is on another."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.adapters.sqlite_database import Database
from services.adapters.sqlite_overview import SqliteOverview
from services.domain.admission import LEAST_TENURE
from services.domain.clock import SystemClock
from services.domain.gateways import DEAD_AFTER, Connection
from services.domain.session import Air, Session
from services.domain.standing import Standing
from services.gateway.contest import SILENT_SECONDS
from tests.examples import a_session
from tests.gateway.pair import Pair
from tests.gateway.publisher import Publisher
from tests.gateway.served import INTERNAL_TOKEN
from tests.gateway.world import World
from tests.rtmp import Connection as Rtmp
from tests.rtmp import Refused
from tests.waiting import eventually

PROMPT_SECONDS = 1.0


class CountingOverview(SqliteOverview):
    """Writes down for which channels it is asked, and knows no other question."""

    def __init__(self, path: Path) -> None:
        self._own = Database(path)
        super().__init__(self._own, SystemClock())
        self.asked: list[list[str]] = []

    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        self.asked.append(list(channel_ids))
        return super().of_channels(channel_ids)

    def open_sessions(self) -> Sequence[Standing]:
        raise AssertionError

    def close(self) -> None:
        self._own.close()


def on_air_at_a(pair: Pair) -> tuple[Publisher, Session]:
    """Let a publisher on air at `a` that is seen to send."""
    publisher = pair.a.publisher()
    session = pair.a.until_on_air()
    pair.a.until(lambda: pair.a.streams()["camera"].bytes_in > 0, "it sends")
    return publisher, session


def arrive(world: World) -> float:
    """Publish, sending nothing yet; give the seconds until that was accepted, or raise Refused."""
    began = time.monotonic()
    with Rtmp(f"{world.nginx.rtmp_url}/{world.key()}"):
        return time.monotonic() - began


@contextmanager
def deaf_port() -> Iterator[int]:
    """Give a port whose queue is full: who connects hears neither yes nor no."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def gateway_of(session: Session) -> str | None:
    return None if session.publisher is None else session.publisher.gateway.partition("/")[0]


def test_each_gateway_says_who_it_is_and_where_it_answers(pair: Pair) -> None:
    rows = pair.rows()

    assert rows["a"].name == f"a/{pair.nginx('a').boot()}"
    assert (rows["a"].pull_url, rows["a"].control_url) == (pair.a.nginx.rtmp_url, f"http://127.0.0.1:{pair.a.port}")
    assert (rows["a"].zone, rows["b"].zone) == ("eu-central-1a", "eu-central-1b")
    assert rows["a"].takes_publishers(SystemClock().now())


def test_a_publisher_stands_in_its_gateways_row_at_once_and_no_longer_than_it_is_there(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    assert session.publisher is not None
    connection = Connection(channel_id="camera", client_id=session.publisher.client_id)
    eventually(lambda: pair.rows()["a"].connections == (connection,), within=1.5, what="it is in the row")
    elsewhere = pair.rows()["b"].connections
    publisher.leave()
    eventually(lambda: not pair.rows()["a"].connections, within=1.5, what="it is in the row no more")

    assert elsewhere == ()


def test_a_gateway_that_stops_takes_its_row_away(pair: Pair) -> None:
    pair.a.served.stop()

    assert list(pair.rows()) == ["b"]


def test_a_new_life_of_nginx_has_a_row_of_its_own_and_the_old_one_goes(fragile_pair: Pair) -> None:
    before = fragile_pair.rows()["a"].name
    fragile_pair.nginx("a").kill()
    fragile_pair.nginx("a").start()

    def names() -> list[str]:
        return [row.name for row in fragile_pair.a.state.gateways.all() if row.name.startswith("a/")]

    eventually(lambda: names() == [f"a/{fragile_pair.nginx('a').boot()}"], what="the row of the new life alone")
    assert before not in names()


def test_while_state_is_away_a_gateway_goes_on_and_says_so_once(pair: Pair) -> None:
    with closing(sqlite3.connect(pair.a.state_path, isolation_level=None)) as state:
        state.execute("ALTER TABLE gateways RENAME TO gateways_away")
        pair.journal.expect("heartbeat_not_written")
        session = on_air_at_a(pair)[1]
        state.execute("ALTER TABLE gateways_away RENAME TO gateways")
    eventually(lambda: pair.rows()["a"].connections != (), what="its row is written again")

    assert gateway_of(session) == "a"
    assert len(pair.journal.all("heartbeat_not_written")) == 2  # of two gateways


def test_a_publisher_that_moves_goes_on_in_the_same_session_and_its_worker_is_told(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    publisher.kill()
    pair.a.until_interrupted()
    told = pair.b.worker_control(session)
    pair.b.publisher()
    resumed = pair.b.until_on_air()
    eventually(lambda: bool(told), what="its worker is told")

    assert (resumed.id, gateway_of(session), gateway_of(resumed)) == (session.id, "a", "b")


def test_a_connection_that_fell_silent_on_one_gateway_makes_way_on_another_after_two_seconds(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    publisher.freeze()

    assert arrive(pair.b) < SILENT_SECONDS + PROMPT_SECONDS
    assert pair.journal.expect("dead_publisher_dropped", session=session.id)["silent_seconds"] >= SILENT_SECONDS
    assert pair.a.on_air() is None


def test_a_publisher_that_sends_on_one_gateway_is_not_harmed_by_a_second_on_another(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    began = time.monotonic()
    with pytest.raises(Refused):
        arrive(pair.b)

    assert time.monotonic() - began < PROMPT_SECONDS
    assert publisher.is_running
    assert pair.a.session().publisher == session.publisher
    assert pair.b.on_air() is None


def test_a_channel_may_let_a_publisher_on_another_gateway_take_over(pair: Pair) -> None:
    pair.a.change_channel("camera", second_publisher="takeover")
    publisher, session = on_air_at_a(pair)
    age(pair, session, LEAST_TENURE)
    arrive(pair.b)

    assert publisher.exit_code() != 0
    assert pair.journal.expect("publisher_taken_over")["session"] == session.id


@pytest.mark.parametrize("silent_for", [timedelta(0), DEAD_AFTER], ids=["just died", "known to be dead"])
def test_the_publisher_of_a_dead_gateway_is_in_nobodys_way(fragile_pair: Pair, silent_for: timedelta) -> None:
    _, session = on_air_at_a(fragile_pair)
    row = fragile_pair.rows()["a"]
    fragile_pair.a.served.stop()
    fragile_pair.nginx("a").kill()
    age(fragile_pair, session, DEAD_AFTER)
    fragile_pair.b.state.gateways.put(replace(row, seen_at=SystemClock().now() - silent_for))

    assert arrive(fragile_pair.b) < PROMPT_SECONDS
    assert fragile_pair.b.session().id == session.id


def test_a_gateway_whose_app_alone_is_away_keeps_its_publishers(fragile_pair: Pair) -> None:
    publisher, session = on_air_at_a(fragile_pair)
    row = fragile_pair.rows()["a"]
    fragile_pair.a.served.stop()
    age(fragile_pair, session, DEAD_AFTER)
    fragile_pair.b.state.gateways.put(replace(row, seen_at=SystemClock().now()))

    with pytest.raises(Refused):
        arrive(fragile_pair.b)
    assert publisher.is_running


@pytest.mark.parametrize("silent", ["app", "nginx"])
def test_a_gateway_that_answers_nothing_is_dead_by_the_age_of_its_row_alone(fragile_pair: Pair, silent: str) -> None:
    """As a network that loses packets makes it, while its publishers are well."""
    _, session = on_air_at_a(fragile_pair)
    row = fragile_pair.rows()["a"]
    fragile_pair.a.served.stop()
    fragile_pair.nginx("a").kill()
    age(fragile_pair, session, DEAD_AFTER)
    with deaf_port() as port:
        if silent == "app":
            heard = replace(row, control_url=f"http://127.0.0.1:{port}")
        else:
            heard = replace(row, pull_url=f"rtmp://127.0.0.1:{port}/stream")
        fragile_pair.b.state.gateways.put(replace(heard, seen_at=SystemClock().now()))
        with pytest.raises(Refused):
            arrive(fragile_pair.b)
        fragile_pair.b.state.gateways.put(replace(heard, seen_at=SystemClock().now() - DEAD_AFTER))

        assert arrive(fragile_pair.b) < PROMPT_SECONDS


def test_of_two_that_come_to_two_gateways_at_once_one_is_let_in(pair: Pair) -> None:
    both = [world.publisher() for world in (pair.a, pair.b)]
    pair.journal.expect("publish_accepted")
    pair.journal.expect("publish_refused", reason="on_air")
    eventually(lambda: not all(each.is_running for each in both), what="one has given up")

    assert [each.is_running for each in both].count(True) == 1
    assert len(pair.journal.all("publish_accepted")) == 1


def test_a_publisher_that_state_has_on_another_gateway_is_cut_where_it_was_left_behind(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    assert session.publisher is not None
    moved = replace(session.publisher, gateway=pair.rows()["b"].name, client_id="77")
    current = pair.a.session()
    pair.a.state.sessions.save(session=replace(current, publisher=moved, version=current.version + 1))

    assert publisher.exit_code() != 0
    assert pair.journal.expect("unknown_publisher_cut")["channel"] == "camera"


def test_only_the_gateway_of_its_publisher_sees_to_a_sessions_worker(pair: Pair) -> None:
    pair.b.add_channel("stage")
    on_air_at_a(pair)
    eventually(lambda: len(pair.ecs.calls("RunTask")) == 1, what="a worker is ordered")
    pair.b.publisher(pair.b.key("stage"))
    eventually(lambda: len(pair.ecs.calls("RunTask")) == 2, what="another is")

    placed = [call["networkConfiguration"]["awsvpcConfiguration"]["subnets"] for call in pair.ecs.calls("RunTask")]
    assert placed == [["subnet-a"], ["subnet-b"]]


def test_what_a_sweep_reads_grows_with_the_gateways_own_publishers_alone(pair: Pair) -> None:
    for number in range(20):
        pair.a.state.sessions.save(
            session=a_session(f"s{number}", channel_id=f"c{number}"),
            air=Air(channel_id=f"c{number}").opened(f"s{number}"),
        )
    overview = CountingOverview(pair.a.state_path)
    watch = pair.a.served.app.watch
    watch.survey = replace(watch.survey, overview=overview)
    on_air_at_a(pair)
    eventually(lambda: overview.asked[-3:] == [["camera"]] * 3, what="sweeps ask for the one")
    pair.a.served.stop()
    overview.close()

    assert set(map(tuple, overview.asked)) == {("camera",)}


def age(pair: Pair, session: Session, by: timedelta) -> None:
    """Let the session's publisher have been accepted so much earlier."""
    current = pair.a.state.sessions.get(session.id)
    assert current.publisher is not None
    aged = replace(current.publisher, accepted_at=current.publisher.accepted_at - by)
    pair.a.state.sessions.save(session=replace(current, publisher=aged, version=current.version + 1))


# The private calls


def call(world: World, method: str, path: str, token: str = INTERNAL_TOKEN, **more: object) -> httpx.Response:
    return world.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)  # type: ignore[arg-type] # httpx's own


def test_a_gateway_lists_its_publishers_and_how_long_each_has_been_silent(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    told = call(pair.a, "GET", "/connections").json()
    publisher.freeze()

    def silent() -> float:
        return float(
            call(pair.a, "GET", "/connections", params={"channel": "camera"}).json()["connections"][0]["silent_seconds"]
        )

    eventually(lambda: silent() > 1, what="it is silent")
    assert session.publisher is not None
    assert told["gateway"] == session.publisher.gateway
    assert [(each["channel_id"], each["client_id"]) for each in told["connections"]] == [
        ("camera", session.publisher.client_id)
    ]
    assert told["connections"][0]["bytes_in"] > 0
    assert call(pair.a, "GET", "/connections", params={"channel": "other"}).json()["connections"] == []


def test_a_gateway_cuts_the_publisher_it_is_told_to(pair: Pair) -> None:
    publisher, session = on_air_at_a(pair)
    assert session.publisher is not None
    wanted = {"channel_id": "camera", "client_id": session.publisher.client_id}

    assert call(pair.a, "POST", "/drop", json={**wanted, "gateway": "a/earlier"}).status_code == 204
    assert publisher.is_running
    assert call(pair.a, "POST", "/drop", json=wanted).status_code == 204
    assert publisher.exit_code() != 0
    assert pair.a.until_interrupted().id == session.id


def test_the_calls_about_publishers_need_the_internal_token_and_a_whole_body(pair: Pair) -> None:
    refused = [call(pair.a, method, path, "wrong") for method, path in (("GET", "/connections"), ("POST", "/drop"))]
    bad = call(pair.a, "POST", "/drop", json={"channel_id": "camera", "client_id": "one", "more": 1})

    assert [answer.status_code for answer in refused] == [401, 401]
    assert bad.status_code == 422
    assert "client_id" in bad.text
    assert "more" in bad.text
