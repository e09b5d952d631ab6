"""A publisher who comes back: how soon a viewer sees it, and how long a test waits for it."""

from __future__ import annotations

from tests.fault.broadcaster import Broadcaster
from tests.fault.world import Air
from tests.waiting import eventually


def until_sent(broadcaster: Broadcaster, seconds: float, within: float = 20.0) -> None:
    """Wait until the connection that is on air has sent this much."""
    broadcaster.until_sending(within)
    connection = broadcaster.connections - 1
    eventually(lambda: sent_seconds(broadcaster, connection) >= seconds, within=within, what=f"{seconds} s were sent")


def sent_seconds(broadcaster: Broadcaster, connection: int) -> float:
    """Give how long a connection has been sending (s)."""
    moments = [sent.at for sent in list(broadcaster.publisher(connection).sent)]
    return moments[-1] - moments[0] if moments else 0.0


def until_connections(broadcaster: Broadcaster, count: int, within: float = 20.0) -> None:
    """Wait until so many connections were let in and the last one sends."""
    eventually(
        lambda: broadcaster.connections >= count and broadcaster.is_sending, within=within, what=f"connection {count}"
    )


def seconds_to_let_in(broadcaster: Broadcaster, connection: int) -> float:
    """Give how long the try took that was let in (s)."""
    (event,) = [e for e in broadcaster.events if (e["event"], e["connection"]) == ("connected", connection)]
    return float(str(event["at"])) - float(str(event["tried"]))


def seconds_to_see(air: Air, connection: int, within: float = 15.0) -> float:
    """Give the seconds from a connection's try to the first look that saw a segment of it.

    What the publisher itself waits for its clip's next keyframe is left out: an encoder begins with one.
    """
    began = air.broadcaster.publisher(connection).sent[0].at

    def seen() -> float | None:
        return next((at for at, age in list(air.watcher.edges) if at - age > began + 0.1), None)

    first = eventually(seen, within=within, what=f"a segment of connection {connection} in live.m3u8")
    return seconds_to_let_in(air.broadcaster, connection) + first - began
