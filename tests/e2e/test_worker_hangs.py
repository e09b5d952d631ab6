"""A worker that hangs."""

from __future__ import annotations

import signal
import time

from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import TOKEN, Stack
from tests.e2e.test_faults import more_segments
from tests.media import Media
from tests.waiting import eventually


def test_a_worker_that_hangs_is_replaced(own_stack: Stack, media: Media) -> None:
    stack = own_stack
    channel = stack.create()
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        more_segments(stack, channel["id"], 2)
        hung = stack.process_with("services.worker", channel["id"])
        assert hung is not None
        hung.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        eventually(lambda: not hung.is_running(), within=45, what="the hung worker is killed")
        took = time.monotonic() - began
        more_segments(stack, channel["id"], 2)
        figures = stack.api.get("/metrics").raise_for_status().text
    stack.api.post(f"/channels/{channel['id']}/complete")
    stack.wait_for_state(channel["id"], "idle", within=15)

    assert "streamkeep_workers_hung_total 1.0" in figures
    assert TOKEN not in figures
    print(f"hung worker killed after {took:.1f} s")
