from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.domain.session import Session
from services.runtime.metric_texts import merged
from tests.gateway.served import INTERNAL_TOKEN
from tests.gateway.world import World
from tests.serving import serving

WORKER = "# HELP parts Parts.\n# TYPE parts counter\nparts_total 3.0\n"


@contextmanager
def worker_metrics(text: str, hold: threading.Event | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve a worker's figures, once `hold` is set if it is given; give the address and the tokens shown."""
    shown: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["Authorization"])
            if hold is not None:
                hold.wait(10)
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}", shown


def working(world: World, channel_id: str, url: str, *, client_id: int = 1) -> Session:
    """Let a session's worker say that it answers at `url`."""
    world.call("publish", client_id=client_id, name=channel_id, sign=world.sign(channel_id))
    session, now, ttl = world.session(channel_id), datetime.now(UTC), timedelta(minutes=1)
    lease = world.state.leases.claim(session.id, "elsewhere:1", ttl=ttl, now=now)
    world.state.leases.renew(replace(lease, control_url=url), ttl=ttl, now=now)
    return session


def figures(world: World) -> dict[tuple[str, str], float]:
    """Ask for all figures; give each sample's value by its name and channel or reason."""
    answer = world.http.get("/metrics", headers={"Authorization": f"Bearer {INTERNAL_TOKEN}"}).raise_for_status()
    return {
        (sample.name, sample.labels.get("channel", sample.labels.get("reason", ""))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_gateways_figures_and_those_of_its_workers_are_told_together(app_alone: World) -> None:
    with worker_metrics(WORKER) as (url, shown):
        session = working(app_alone, "camera", url)
        app_alone.call("publish", client_id=2, sign="wrong")
        told = figures(app_alone)

    assert told["parts_total", "camera"] == 3
    assert told["streamkeep_publishes_accepted_total", ""] == 1
    assert told["streamkeep_publishes_refused_total", "bad_signature"] == 1
    assert shown == [f"Bearer {session.pull_token.reveal()}"]


def test_publishers_their_bytes_and_their_waits_are_counted(world: World) -> None:
    publisher = world.publisher()
    world.until(lambda: figures(world)["streamkeep_publishers", ""] == 1, "a publisher is counted")
    first = figures(world)["streamkeep_received_bytes_total", ""]
    world.until(lambda: figures(world)["streamkeep_received_bytes_total", ""] > first, "more bytes are counted")

    publisher.leave()
    world.until(lambda: figures(world)["streamkeep_publishers", ""] == 0, "its end is counted")
    assert figures(world)["streamkeep_callback_seconds_count", ""] == 1


def test_a_worker_that_is_dead_or_hangs_only_misses(app_alone: World) -> None:
    app_alone.add_channel("hung")
    app_alone.add_channel("dead")
    hold = threading.Event()
    with worker_metrics(WORKER) as (url, _), worker_metrics(WORKER, hold) as (hung_url, _):
        working(app_alone, "camera", url)
        working(app_alone, "hung", hung_url, client_id=2)
        working(app_alone, "dead", "http://127.0.0.1:9", client_id=3)
        began = time.monotonic()
        told = figures(app_alone)
        took = time.monotonic() - began
        hold.set()

    assert [key for key in told if key[0] == "parts_total"] == [("parts_total", "camera")]
    assert took < 3


def test_without_state_the_gateways_own_figures_are_told(app_alone: World) -> None:
    app_alone.break_state()

    assert figures(app_alone)["streamkeep_publishes_accepted_total", ""] == 0


def test_the_figures_need_the_internal_token(app_alone: World) -> None:
    assert app_alone.http.get("/metrics").status_code == 401


def test_a_family_is_described_once_whoever_has_samples_of_it() -> None:
    text = merged([({"channel": "a"}, WORKER), ({"channel": "b"}, WORKER)]).decode()

    assert text.count("# TYPE parts_total counter") == 1
    assert 'parts_total{channel="a"} 3.0' in text
    assert 'parts_total{channel="b"} 3.0' in text


@pytest.mark.parametrize("text", ["}{", "parts_total nonsense", "a b c d"])
def test_a_text_that_is_none_of_prometheus_is_left_out(text: str) -> None:
    told = merged([({"channel": "a"}, text), ({"channel": "b"}, WORKER)]).decode()

    assert 'channel="a"' not in told
    assert 'parts_total{channel="b"} 3.0' in told
