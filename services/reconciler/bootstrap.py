"""Builds the reconciler: the one module of this room that names concrete adapters."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import timedelta

from services.adapters.ecs_opening import open_fleet
from services.adapters.opening import State, open_store
from services.adapters.pooled_launcher import PooledLauncher
from services.domain.clock import Clock, SystemClock
from services.domain.ports import ViewersCache
from services.domain.task_news import TaskNews
from services.reconciler.acting import Acting, Platform
from services.reconciler.caution import Caution
from services.reconciler.counts import Counts
from services.reconciler.erasing import Eraser
from services.reconciler.keeping import Keeping
from services.reconciler.memory import GAP_SECONDS, Memory
from services.reconciler.settings import ReconcilerSettings
from services.reconciler.sight import Observer
from services.reconciler.standing_by import StandingBy
from services.reconciler.steps import Step
from services.reconciler.sweep import Sweep
from services.reconciler.sweeps import Sweeps
from services.reconciler.workers import Workers
from services.runtime.ecs_settings import subnets
from services.runtime.giving_up import GivingUp
from services.runtime.launch_claims import LaunchClaims
from services.runtime.process_name import own_name
from services.runtime.term import Term

NAME = "reconciler"
MARGIN_SECONDS = 10.0
"""Before the lease's end no action begins any more: the longest call takes so long."""


def new_term(settings: ReconcilerSettings, state: State) -> Term:
    """Give a term that has not begun."""
    ttl = timedelta(seconds=settings.term_seconds)
    return Term(name=NAME, margin_seconds=MARGIN_SECONDS, leases=state.leases, clock=SystemClock(), ttl=ttl)


async def sweep(settings: ReconcilerSettings, state: State, counts: Counts, term: Term) -> None:
    """Sweep while the term lasts; what one term knew is nothing for the next."""
    clock = SystemClock()
    with ExitStack() as open_things:
        platform = _platform(settings, state, clock, open_things)
        news = _news(settings)
        if news is not None:
            open_things.enter_context(closing(news))
        sweeps = Sweeps(
            sweep=_sweep(settings, state, counts, term, platform),
            steps=[Step(name="retention", run=_keeping(settings, state, clock).step)],
            news=news,
            counts=counts,
            seconds=settings.usual_sweep_seconds,
        )
        await sweeps.run(term.over)


def _platform(settings: ReconcilerSettings, state: State, clock: Clock, open_things: ExitStack) -> Platform | None:
    if settings.launcher == "none":
        return None
    fleet = open_fleet(**settings.fleet)
    launcher = PooledLauncher(fleet.launcher, state.pool, clock)
    open_things.callback(launcher.stop, 0.0)
    claims = LaunchClaims(leases=state.leases, channels=state.channels, clock=clock, who=own_name())
    return Platform(tasks=fleet.tasks, launcher=launcher, claims=claims)


def _news(settings: ReconcilerSettings) -> TaskNews | None:
    if settings.task_events_queue is None:
        return None
    from services.adapters.sqs_task_news import SqsTaskNews  # noqa: PLC0415 - boto3 takes a third of a second

    return SqsTaskNews(settings.task_events_queue)


def _sweep(settings: ReconcilerSettings, state: State, counts: Counts, term: Term, platform: Platform | None) -> Sweep:
    clock = SystemClock()
    is_staffed = platform is not None
    zones = tuple(subnets(settings.subnets)) if settings.subnets is not None else ()
    return Sweep(
        observer=Observer(
            overview=state.overview,
            gateways=state.gateways,
            pool=state.pool,
            tasks=None if platform is None else platform.tasks,
            clock=clock,
            monotonic=time.monotonic,
        ),
        acting=_acting(settings, state, platform, clock),
        memory=Memory(gap_seconds=max(GAP_SECONDS, 3 * settings.usual_sweep_seconds)),
        caution=Caution(is_on=settings.safety_stop),
        counts=counts,
        workers=Workers(lease_seconds=settings.worker_lease_seconds) if is_staffed else None,
        standing_by=StandingBy(size=settings.pool_size, zones=zones) if is_staffed else None,
        goes_on=term.may_act,
    )


def _acting(settings: ReconcilerSettings, state: State, platform: Platform | None, clock: Clock) -> Acting:
    outbox = state.outbox if settings.events else None
    return Acting(
        sessions=state.sessions,
        channels=state.channels,
        leases=state.leases,
        gateways=state.gateways,
        pool=state.pool,
        giving_up=GivingUp(sessions=state.sessions, channels=state.channels, outbox=outbox, clock=clock),
        clock=clock,
        platform=platform,
    )


def _cache(settings: ReconcilerSettings) -> ViewersCache | None:
    if settings.distribution is None:
        return None
    from services.adapters.cloudfront_cache import CloudFrontCache  # noqa: PLC0415 - as above

    return CloudFrontCache(settings.distribution)


def _keeping(settings: ReconcilerSettings, state: State, clock: Clock) -> Keeping:
    store = open_store(directory_path=settings.directory_path, bucket=settings.bucket)
    eraser = Eraser(sessions=state.sessions, store=store, objects=store, clock=clock, cache=_cache(settings))
    return Keeping(channels=state.channels, sessions=state.sessions, eraser=eraser, clock=clock)
