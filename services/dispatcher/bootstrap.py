"""Builds the dispatcher: the one module of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from functools import partial

from services.adapters.address_guard import AddressGuard
from services.adapters.opening import State
from services.adapters.sink_opening import open_sink
from services.dispatcher.audience import Audiences
from services.dispatcher.burials import Burials
from services.dispatcher.counts import Counts
from services.dispatcher.delivery import Delivery
from services.dispatcher.envelopes import Envelopes
from services.dispatcher.outlets import Outlets
from services.dispatcher.replays import Replays
from services.dispatcher.rounds import Rounds
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.streams import Streams
from services.domain import addresses
from services.domain.clock import SystemClock
from services.domain.errors import SinkUnavailable
from services.domain.links import SignedLinks
from services.domain.sink import Sink
from services.domain.subscriber import Subscriber
from services.runtime.term import Term

CHANNEL_SECONDS = 2.5
"""How old a channel's settings may be: a change applies within 3 s."""
MARGIN_SECONDS = 13.0
"""Before the lease's end no send begins any more: the longest takes 12 s."""
_EVERYWHERE = "0.0.0.0/0, ::/0"  # the operator's own addresses are nobody else's to judge


def require_adapters(settings: DispatcherSettings) -> None:
    """Raise SinkUnavailable, saying what to do, if what a sink of the deployment needs is not installed."""
    for subscriber in settings.subscribers:
        try:
            with contextlib.closing(_sinks(settings)(subscriber)):
                pass
        except ImportError as error:
            raise SinkUnavailable(
                f"STREAMKEEP_SINKS: sink {subscriber.name!r} needs {error.name}: pip install 'streamkeep[dispatcher]'"
            ) from error


def new_term(settings: DispatcherSettings, state: State) -> Term:
    """Give a term that has not begun."""
    return Term(
        name="dispatcher", margin_seconds=MARGIN_SECONDS, leases=state.leases, clock=SystemClock(), ttl=settings.term
    )


async def serve(settings: DispatcherSettings, state: State, counts: Counts, term: Term) -> None:
    """Send while the term lasts; what one term knew of progress is nothing for the next."""
    loop, wake = asyncio.get_running_loop(), asyncio.Event()
    outlets = Outlets(open_sink=_sinks(settings), counts=counts, on_back=partial(_woken, loop, wake))
    delivery = _delivery(settings, state, counts, term)
    rounds = Rounds(
        streams=Streams(outbox=state.outbox, audiences=delivery.audiences, outlets=outlets),
        outlets=outlets,
        delivery=delivery,
        replays=Replays(delivery=delivery, outlets=outlets),
        poll_seconds=settings.usual_poll_seconds,
        wake=wake,
    )
    with contextlib.closing(outlets):
        await rounds.run(term.over)


def _delivery(settings: DispatcherSettings, state: State, counts: Counts, term: Term) -> Delivery:
    clock = SystemClock()
    links = SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url)
    return Delivery(
        outbox=state.outbox,
        audiences=Audiences(channels=state.channels, deployment=settings.subscribers, seconds=CHANNEL_SECONDS),
        envelopes=Envelopes(links=links, life=timedelta(seconds=settings.link_seconds), clock=clock),
        clock=clock,
        counts=counts,
        burials=Burials(outbox=state.outbox, counts=counts),
        give_up_after=timedelta(seconds=settings.give_up_seconds),
        refused_tries=settings.refused_tries,
        goes_on=term.may_act,
    )


def _woken(loop: asyncio.AbstractEventLoop, wake: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is to be done any more
        loop.call_soon_threadsafe(wake.set)


def _sinks(settings: DispatcherSettings) -> partial[Sink]:
    inside = AddressGuard(addresses.networks(_EVERYWHERE))
    outside = AddressGuard(addresses.networks(settings.allowed_networks))
    return partial(_open, inside, outside)


def _open(inside: AddressGuard, outside: AddressGuard, subscriber: Subscriber) -> Sink:
    return open_sink(subscriber, guard=outside if subscriber.is_own else inside, clock=SystemClock())
