"""Which way leads to an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.guarded_http import GuardedHttp
from services.domain.grab import GrabOrder
from services.domain.source import require_source
from services.grabber import live_sources, srt_source
from services.grabber.feed import Feed, Stream
from services.grabber.findings import Findings
from services.grabber.live_offset import live_offset
from services.grabber.web_source import web_feed


@contextmanager
def open_source(order: GrabOrder, guard: AddressGuard, findings: Findings) -> Iterator[Feed]:
    """Give what the decoder is to be fed; raise InvalidInput, Unavailable or FetchFailed, also while it is read."""
    address = require_source(order.source_url)
    if address.scheme in ("http", "https"):
        with web_feed(GuardedHttp(guard), order, findings) as feed:
            yield feed
        return
    offset = live_offset(order.at)
    packets_of = srt_source.packets_of if address.scheme == "srt" else live_sources.packets_of
    with packets_of(address, guard, Deadline(order.deadline)) as pieces:
        findings.add(f"{address.scheme.upper()} was asked")
        yield Stream(pieces=pieces, offset=offset)
