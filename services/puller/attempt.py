"""One try to fetch a source: from the connection to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, urlsplit

import structlog

from services.adapters.address_guard import AddressGuard, NotConnected
from services.adapters.fetch_errors import FetchFailed
from services.adapters.stream_address import options_of, reached_through
from services.domain.errors import InvalidInput
from services.puller import srt_feed
from services.puller.child import Child, child
from services.puller.http_feed import HttpFeed
from services.puller.order import Order
from services.puller.probing import FED, PROBE
from services.puller.progress import Progress
from services.puller.relay import NoTls, Relay

log = structlog.get_logger()

Feed = Callable[[Child], Coroutine[None, None, None]]
SOURCES_FAULT = (InvalidInput, NotConnected, FetchFailed, NoTls, srt_feed.SrtEnded)
SOURCE, UNSUPPORTED, GATEWAY, BROKEN = "source", "unsupported", "gateway", "broken"
ENDED, ALL_THERE_WAS = "ended", "it has ended"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Why a try is over, in words without any part of the address, and for how many seconds media came."""

    cause: str
    detail: str
    ran: float = 0.0


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A try, which goes on from `progress`; `runs` is called once when media comes."""

    guard: AddressGuard
    publish: str
    runs: Callable[[], Coroutine[None, None, None]]
    progress: Progress = field(default_factory=Progress)
    _has_run: bool = False

    async def made(self, url: str) -> Outcome:
        """Fetch and publish until that is over; cancel it to end it."""
        address = urlsplit(url)
        try:
            match address.scheme:
                case "http" | "https":
                    return await self._fetched(HttpFeed(self.guard, url, self.progress))
                case "srt":
                    return await self._fed(lambda running: self._srt(running, address))
                case _:
                    return await self._relayed(address)
        except SOURCES_FAULT as error:
            return Outcome(SOURCE, _words(error))
        except OSError as error:
            return Outcome(BROKEN, f"no program can be started: {error.strerror}")

    async def _relayed(self, address: SplitResult) -> Outcome:
        relay = Relay(self.guard, address)
        async with relay.listening() as port:
            order = Order(self.publish, reached_through(port, address), PROBE | options_of(address))
            async with child(order) as running:
                outcome = await self._watched(running)
        return _died(outcome) if relay.trouble is None else Outcome(SOURCE, relay.trouble, outcome.ran)

    async def _fetched(self, feed: HttpFeed) -> Outcome:
        if not await asyncio.to_thread(feed.has_more):
            return Outcome(ENDED, ALL_THERE_WAS)
        outcome = None
        try:
            outcome = await self._fed(lambda running: feed.carry(running.write))
        finally:
            has_ended = outcome is not None and outcome.cause == ENDED
            is_over = self._has_run and feed.published(is_whole=has_ended)
        return replace(outcome, detail=ALL_THERE_WAS) if is_over else _died(outcome)

    async def _fed(self, feed: Feed) -> Outcome:
        """Hand the child a stream; where feeding fails that is why it is over, else what the child says."""
        async with child(Order(self.publish, options=FED)) as running:
            feeding = asyncio.create_task(feed(running))
            watching = asyncio.create_task(self._watched(running))
            try:
                await asyncio.wait([feeding, watching], return_when=asyncio.FIRST_COMPLETED)
                if feeding.done() and not watching.done():
                    feeding.result()
                    running.end_of_stream()
                return await watching
            except SOURCES_FAULT as error:
                return Outcome(SOURCE, _words(error), running.ran)
            finally:
                for task in (feeding, watching):
                    task.cancel()
                await asyncio.gather(feeding, watching, return_exceptions=True)

    async def _watched(self, running: Child) -> Outcome:
        async for told in running.events():
            if told["event"] == "running" and not self._has_run:
                self._has_run = True
                await self.runs()
            elif told["event"] == "opened":
                log.info("source_opened", streams=told["streams"])
            elif told["event"] == "over":
                return Outcome(told["cause"], told["detail"], running.ran)
        return Outcome(BROKEN, "it said nothing")

    async def _srt(self, running: Child, address: SplitResult) -> None:
        async for piece in srt_feed.pieces(self.guard, address):
            await running.write(piece)


def _died(outcome: Outcome) -> Outcome:
    """Take an end for a source's death where a connection cannot tell one from the other: it is tried again."""
    return replace(outcome, cause=SOURCE) if outcome.cause == ENDED else outcome


def _words(error: Exception) -> str:
    """Say what is wrong with a source; an address that is refused, in an answer as well, says it without the field."""
    return error.problem if isinstance(error, InvalidInput) else str(error)
