"""Two gateways on one state, as several stand behind one load balancer: each a real nginx with its callback app."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from services.domain.gateways import Gateway
from tests.doubles.ecs import FakeEcs
from tests.gateway.journal import Journal
from tests.gateway.nginx_process import Nginx, new_nginx
from tests.gateway.world import World
from tests.waiting import eventually


class Pair:
    """`a` and `b`; workers are tasks of a fake ECS that exist in its lists alone."""

    def __init__(self, folder: Path, media: Path, journal: Journal, shared_nginx: Sequence[Nginx] = ()) -> None:
        self.journal = journal
        self.ecs = FakeEcs(start_seconds=0)
        self._stack = contextlib.ExitStack()
        self._is_nginx_own = not shared_nginx
        nginx = shared_nginx or [new_nginx(folder / f"run-{name}") for name in "ab"]
        self._nginx = dict(zip("ab", nginx, strict=True))
        self.a, self.b = (
            World(folder, media, journal, nginx, **self.ecs.settings, GATEWAY_NAME=name, ZONE=f"eu-central-1{name}")
            for name, nginx in self._nginx.items()
        )

    def __enter__(self) -> Self:
        self._stack.enter_context(self.ecs)
        for nginx in self._nginx.values() if self._is_nginx_own else ():
            self._stack.enter_context(nginx)
        for world in (self.a, self.b):
            self._stack.callback(world.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start both apps and wait until each knows of the other."""
        for world in (self.a, self.b):
            world.start()
        eventually(lambda: len(self.rows()) == len(self._nginx), what="both have written their rows")

    def rows(self) -> dict[str, Gateway]:
        """Give the gateways' rows by their names."""
        return {row.name.partition("/")[0]: row for row in self.a.state.gateways.all()}

    def nginx(self, name: str) -> Nginx:
        return self._nginx[name]
