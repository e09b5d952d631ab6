"""What the state in DynamoDB is asked: per publish, per minute on air, per request of the API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from urllib.parse import urlsplit

import pytest

from tests.counting_proxy import Calls, CountingProxy
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack, stack_on_aws
from tests.emulators import Emulators
from tests.local.running import free_offset
from tests.media import Clip, Media
from tests.waiting import eventually

STEADY_SECONDS = 60.0
WRITES_A_MINUTE = 6  # the lease's, and one each before the first sprite sheet and its list are written
READS_A_MINUTE = 145  # the sweeps of callback app and reconciler are 126 of them, for all channels together
QUIET_SECONDS = 4.0
A_REQUEST = (1, 16)  # items written and read, at most; a change on air looks for the gateway, too
REPEATS = 5
"""Between two of the sweeps and readings that go on all the time there is room for a request alone."""


@dataclass
class Counted:
    """A stack whose calls are counted, and what they came to."""

    stack: Stack
    proxy: CountingProxy
    rows: dict[str, Calls] = field(default_factory=dict)

    def alone(self, name: str, request: Callable[[], object]) -> Calls:
        """Give what one request costs, the cheapest of a few: the others met something that goes on anyway."""
        found = []
        for _ in range(REPEATS):
            self.proxy.reset()
            request()
            found.append(self.proxy.reset())
        self.rows[name] = min(found, key=attrgetter("reads", "writes"))
        return self.rows[name]

    def get(self, path: str) -> None:
        self.stack.api.get(path, follow_redirects=False)

    def table(self) -> str:
        """Show it as the docs do; a query counts as one read, and a transaction's writes are paid for twice."""
        lines = ["| what | items written | items read | read units | calls |", "|---|---|---|---|---|"]
        for name, calls in self.rows.items():
            spelled = ", ".join(f"{count} {operation}" for operation, count in sorted(calls.calls.items()))
            lines.append(f"| {name} | {calls.writes} | {calls.reads} | {calls.read_units:g} | {spelled} |")
        return "\n".join(lines)


@pytest.fixture(scope="module")
def counted(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    address = urlsplit(emulators.url("ministack"))
    data = tmp_path_factory.mktemp("calls") / "data"
    with CountingProxy(address.hostname or "", address.port or 0) as proxy:
        stack = stack_on_aws(data, free_offset(), proxy.url)
        stack.variables["STREAMKEEP_EVENTS"] = "false"  # what an event costs is counted by tests/contract
        with stack:
            counted = Counted(stack, proxy)
            yield counted
        print(f"\n{counted.table()}")


@dataclass(frozen=True)
class OnAir:
    """A channel on air with every output."""

    id: str
    publish: Calls


@pytest.fixture(scope="module")
def on_air(counted: Counted, media: Media) -> Iterator[OnAir]:
    channel = counted.stack.create(name="counted", image_time=2, video_time=4, hls_time=2)
    counted.proxy.reset()
    shipped = f"snapshots/{channel['id']}/"  # in the log, which asks nothing of state
    with Publisher(channel["publish"]["url"], media.file(Clip(seconds=10))):
        eventually(lambda: shipped in counted.stack.log.read_text(errors="replace"), within=20, what="a snapshot")
        yield OnAir(channel["id"], _settled(counted.proxy))


def _settled(proxy: CountingProxy) -> Calls:
    """Wait until nothing has been written for a while; give what was counted until the last write."""
    last, quiet_since = proxy.snapshot(), time.monotonic()

    def is_quiet() -> bool:
        nonlocal last, quiet_since
        now = proxy.snapshot()
        if now.writes != last.writes:
            last, quiet_since = now, time.monotonic()
        return time.monotonic() - quiet_since > QUIET_SECONDS

    eventually(is_quiet, within=20, what=f"{QUIET_SECONDS:g} s without a write")
    return last


def test_a_live_channel_in_its_steady_state_costs_little(counted: Counted, on_air: OnAir) -> None:
    counted.rows["a publish, until the channel is live"] = on_air.publish
    counted.proxy.reset()
    threading.Event().wait(STEADY_SECONDS)  # it is a rate that is measured
    minute = counted.rows["a minute on air"] = counted.proxy.reset()

    assert minute.writes <= WRITES_A_MINUTE, minute
    assert minute.read_calls <= READS_A_MINUTE, minute
    assert minute.consistent_reads == 0, minute


def requests_of(counted: Counted, channel_id: str) -> dict[str, Callable[[], object]]:
    """Give a request of each kind, about a channel that is on air or for one that is not."""
    api, idle = counted.stack.api, counted.stack.create(name="idle")["id"]
    playlist = urlsplit(counted.stack.channel(channel_id)["playback"]["hls"]).path
    snapshots = f"/channels/{channel_id}/snapshots"
    picture = urlsplit(api.get(snapshots).raise_for_status().json()["items"][0]["url"]).path
    return {
        "GET /channels (3 channels, 1 on air)": partial(counted.get, "/channels"),
        "GET /channels/{id} (on air)": partial(counted.get, f"/channels/{channel_id}"),
        "GET /channels/{id} (idle)": partial(counted.get, f"/channels/{idle}"),
        "GET /sessions?state=live": partial(counted.get, "/sessions?state=live"),
        "GET /channels/{id}/snapshots": partial(counted.get, snapshots),
        "GET /p/… (a playlist)": partial(counted.get, playlist),
        "GET /p/… (a picture)": partial(counted.get, picture),
        "PATCH /channels/{id} (idle)": lambda: api.patch(f"/channels/{idle}", json={"name": "x"}).raise_for_status(),
        "PATCH /channels/{id} (on air)": lambda: api.patch(
            f"/channels/{channel_id}", json={"description": "x"}
        ).raise_for_status(),
        "POST /channels": lambda: counted.stack.create(name="another"),
    }


def test_a_request_of_the_api_costs_little(counted: Counted, on_air: OnAir) -> None:
    for name, request in requests_of(counted, on_air.id).items():
        calls = counted.alone(name, request)

        assert calls.writes <= A_REQUEST[0], (name, calls)
        assert calls.reads <= A_REQUEST[1], (name, calls)


def test_a_link_asks_nothing_of_state(counted: Counted, on_air: OnAir) -> None:
    for name, request in requests_of(counted, on_air.id).items():
        if "/p/" in name:
            assert counted.alone(name, request).calls == {}, name
