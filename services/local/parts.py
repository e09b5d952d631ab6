"""The parts of the stack, each with the variables it reads and no others."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, replace

from services.domain import subscriber_list
from services.domain.secrets import Secret
from services.domain.subscriber import SQS
from services.local.credentials import Credentials
from services.local.folder import DataFolder
from services.local.ports import LOOPBACK, Ports
from services.local.program import Program, dies_with_parent, python
from services.local.settings import LocalSettings
from services.runtime.storage_settings import State, Store, storage_variables

DEMO_CHANNEL = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything from which the programs are made."""

    settings: LocalSettings
    state: State
    store: Store
    ports: Ports
    folder: DataFolder
    credentials: Credentials

    @property
    def api_url(self) -> str:
        """Where the metadata service answers."""
        return f"http://{LOOPBACK}:{self.ports.api}"

    @property
    def pull_url(self) -> str:
        """Where this machine publishes and pulls."""
        return f"rtmp://{LOOPBACK}:{self.ports.rtmp}/stream"

    @property
    def callback_url(self) -> str:
        """Where nginx and the metadata service reach the callback app."""
        return f"http://{LOOPBACK}:{self.ports.callback}"

    @property
    def objects_place(self) -> str:
        """Where objects appear, as a user looks for them."""
        return str(self.folder.objects) if self.store == "directory" else f"s3://{self.settings.bucket}"

    def programs(self) -> tuple[Program, ...]:
        """Give the programs in the order of their start."""
        dispatcher = (self._dispatcher(),) if self.settings.events else ()
        return (self._metadata(), self._gateway(), self._nginx(), *dispatcher, self._reconciler())

    def _metadata(self) -> Program:
        return self._service(
            "metadata",
            HOST=LOOPBACK,
            PORT=str(self.ports.api),
            TOKEN=self.credentials.token.reveal(),
            PUBLISH_SECRETS=self.credentials.publish_secrets.reveal(),
            LINK_SECRETS=self.credentials.link_secrets.reveal(),
            PUBLIC_URL=self.api_url,
            RTMP_URL=f"rtmp://{_reachable(self.settings.rtmp_host)}:{self.ports.rtmp}/stream",
            CALLBACK_URL=self.callback_url,
            INTERNAL_TOKEN=self.credentials.internal_token.reveal(),
            MIN_FREE_BYTES=str(self.settings.min_free_bytes),
            EVENTS=str(self.settings.events).lower(),
            SINK_NAMES=",".join(each.name for each in subscriber_list.parse(self.sinks.reveal())),
            ALLOWED_NETWORKS=self.settings.allowed_networks,
            SEED_CHANNEL=DEMO_CHANNEL,
        )

    def _gateway(self) -> Program:
        lease = self.settings.lease_seconds
        return self._service(
            "gateway",
            HOST=LOOPBACK,
            SPOOL_PATH=str(self.folder.spool),
            PORT=str(self.ports.callback),
            PUBLISH_SECRETS=self.credentials.publish_secrets.reveal(),
            INTERNAL_TOKEN=self.credentials.internal_token.reveal(),
            NGINX_URL=f"http://{LOOPBACK}:{self.ports.nginx}",
            PULL_URL=self.pull_url,
            EVENTS=str(self.settings.events).lower(),
            ALLOWED_NETWORKS=self.settings.allowed_networks,
            MIN_FREE_BYTES=str(self.settings.min_free_bytes),
            SPOOL_BYTES=str(self.settings.spool_bytes),
            BACKLOG_PATH=str(self.folder.backlog),
            BACKLOG_SECONDS=f"{self.settings.backlog_seconds:g}",
            BACKLOG_BYTES=str(self.settings.backlog_bytes),
            **({} if lease is None else {"LEASE_SECONDS": f"{lease:g}"}),
        )

    @property
    def sinks(self) -> Secret:
        """Who is told of events, as the dispatcher reads it."""
        if self.settings.sinks is not None:
            return Secret(self.settings.sinks.get_secret_value())
        return Secret(json.dumps([{"name": "log", "url": f"log:{self.folder.events}"}]))

    def _dispatcher(self) -> Program:
        program = self._service(
            "dispatcher",
            HOST=LOOPBACK,
            PORT=str(self.ports.dispatcher),
            SINKS=self.sinks.reveal(),
            LINK_SECRETS=self.credentials.link_secrets.reveal(),
            PUBLIC_URL=self.api_url,
            GIVE_UP_SECONDS=f"{self.settings.give_up_seconds:g}",
            ALLOWED_NETWORKS=self.settings.allowed_networks,
        )
        return replace(program, environment={**program.environment, **self._queue_variables()})

    def _reconciler(self) -> Program:
        """Keep rows and retention; workers and publishers are this machine's gateway's."""
        return self._service(
            "reconciler",
            HOST=LOOPBACK,
            PORT=str(self.ports.reconciler),
            LAUNCHER="none",
            EVENTS=str(self.settings.events).lower(),
        )

    def _queue_variables(self) -> dict[str, str]:
        """Give the AWS_ variables where a sink is a queue, also where state and objects are in files."""
        has_queue = any(each.kind == SQS for each in subscriber_list.parse(self.sinks.reveal()))
        return {name: value for name, value in os.environ.items() if has_queue and name.startswith("AWS_")}

    def _nginx(self) -> Program:
        return Program(
            name="nginx",
            argv=dies_with_parent("TERM", python("services.gateway.nginx")),
            environment=self._variables(
                RTMP_HOST=self.settings.rtmp_host,
                RTMP_PORT=str(self.ports.rtmp),
                NGINX_PORT=str(self.ports.nginx),
                CALLBACK_URL=self.callback_url,
                RUN_PATH=str(self.folder.run),
                BACKLOG_PATH=str(self.folder.backlog),
            ),
            relayed=True,
        )

    def preparation(self) -> Program | None:
        """Give the program that makes the table and the bucket if they are missing, or None where files do."""
        if (self.state, self.store) == ("sqlite", "directory"):
            return None
        return Program(
            name="prepare",
            argv=(*python("services.admin"), "prepare"),
            environment=self._variables() | self._storage(),
        )

    def _storage(self) -> dict[str, str]:
        return storage_variables(
            state=self.state,
            state_path=self.folder.state,
            table=self.settings.table,
            store=self.store,
            objects_path=self.folder.objects,
            bucket=self.settings.bucket,
        )

    def _service(self, name: str, **variables: str) -> Program:
        return Program(
            name=name,
            argv=python(f"services.{name}"),
            environment=self._variables(**variables) | self._storage(),
            on_lifeline=True,
        )

    def _variables(self, **own: str) -> dict[str, str]:
        shared = {"LOG_LEVEL": self.settings.log_level, "LOG_FORMAT": self.settings.log_format}
        return {f"STREAMKEEP_{name}": value for name, value in (shared | own).items()}


def _reachable(rtmp_host: str) -> str:
    """Give the address that a publisher on another machine can use, where RTMP listens on all of them."""
    if rtmp_host == LOOPBACK:
        return LOOPBACK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documents: a route is chosen and nothing is sent
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])
