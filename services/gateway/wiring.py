"""Puts the parts of the callback app together."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from services.adapters.opening import State
from services.domain.clock import SystemClock
from services.domain.ports import Launcher
from services.domain.secrets import Secret
from services.gateway.app import CallbackApp, StateLook
from services.gateway.arrivals import Arrivals
from services.gateway.backlog.keeping import backlog_of
from services.gateway.charges import Charges
from services.gateway.connections import Connections
from services.gateway.contest import Contest
from services.gateway.counts import Counts
from services.gateway.deciders import Deciders
from services.gateway.desk import Desk
from services.gateway.door import Door
from services.gateway.draining import Draining
from services.gateway.gathering import Gathering
from services.gateway.heartbeat import Heartbeat
from services.gateway.hooks import Hooks
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.load import Load
from services.gateway.neighbours import Neighbours
from services.gateway.nginx_client import NginxClient
from services.gateway.place import Place
from services.gateway.publisher_calls import PublisherCalls
from services.gateway.pulls import Pulls
from services.gateway.pulse import Pulse
from services.gateway.settings import GatewaySettings
from services.gateway.staffing import Staffing
from services.gateway.survey import Survey
from services.gateway.watch import Watch
from services.gateway.workers import Workers
from services.runtime.launch_claims import LaunchClaims

STARTING_SECONDS = 3.0
"""How long an admitted publisher that is no longer held may take to appear in nginx's list."""


def wired(
    settings: GatewaySettings,
    place: Place,
    state: State,
    deciders: Deciders,
    *,
    launcher: Launcher,
    claims: LaunchClaims | None,
    pullers: Launcher,
) -> CallbackApp:
    """Give the app; nothing of it runs yet."""
    listeners, clock, counts = Listeners(), SystemClock(), Counts()
    nginx = NginxClient(settings.nginx_url, name=place.name, clock=clock)
    pulse, workers, door = Pulse(nginx=nginx), Workers(state.leases), Door()
    connections, token = Connections(nginx=nginx, pulse=pulse), Secret(settings.internal_token.get_secret_value())
    neighbours = Neighbours(gateways=state.gateways, clock=clock, token=token)
    charges = Charges(is_ours=nginx.is_ours, is_alone=settings.launcher == "process")
    settling = timedelta(seconds=settings.hold_seconds + STARTING_SECONDS)
    launches = Launches(
        launcher=launcher,
        listeners=listeners,
        clock=clock,
        counts=counts,
        concurrency=settings.launches_at_once,
        claims=claims,
        zone=place.zone,
    )
    desk = Desk(channels=state.channels, sessions=state.sessions, keyring=settings.keyring, clock=clock)
    backlog = backlog_of(settings, desk, nginx)
    survey = Survey(channels=state.channels, sessions=state.sessions, leases=state.leases, overview=state.overview)
    arrivals = Arrivals(
        desk=desk,
        contest=Contest(connections=connections, neighbours=neighbours, clock=clock, counts=counts, settling=settling),
        door=door,
        deciders=deciders,
        listeners=listeners,
        launches=launches,
        hold_seconds=settings.hold_seconds,
    )
    pulls = Pulls(
        overview=state.overview,
        channels=state.channels,
        sessions=state.sessions,
        leases=state.leases,
        launcher=pullers,
        clock=clock,
        sweep_seconds=settings.pace.sweep_seconds,
        door=door,
    )
    return CallbackApp(
        hooks=Hooks(
            desk=desk,
            arrivals=arrivals,
            listeners=listeners,
            workers=workers,
            deciders=deciders,
            counts=counts,
            gateway=nginx.gateway,
            stir=pulse.stir,
            admitted=backlog.admitted if backlog else None,
        ),
        watch=Watch(
            desk=desk,
            survey=survey,
            charges=charges,
            nginx=nginx,
            listeners=listeners,
            launches=launches,
            workers=workers,
            staffing=Staffing(launches=launches, counts=counts, lease=settings.lease),
            sweep_seconds=settings.pace.sweep_seconds,
            settling=settling,
        ),
        pulse=pulse,
        load=Load(pulse=pulse, counts=counts),
        pulls=pulls,
        heartbeat=Heartbeat(gateways=state.gateways, pulse=pulse, place=place, door=door),
        neighbours=neighbours,
        draining=Draining(door=door, connections=connections, neighbours=neighbours, pulls=pulls, clock=clock),
        backlog=backlog,
        publisher_calls=PublisherCalls(connections=connections, token=token),
        gathering=Gathering(sights=partial(charges.known, survey), counts=counts, clock=clock),
        nginx=nginx,
        state_look=StateLook(sessions=state.sessions),
        internal_token=token,
        rtmp_address=settings.rtmp_address,
    )
