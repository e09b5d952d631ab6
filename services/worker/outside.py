"""What a worker reaches, and where it is reached itself."""

from __future__ import annotations

from dataclasses import dataclass

from services.adapters.opening import State
from services.domain.ports import ObjectStore
from services.worker.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """State, store and place of one worker, opened once, be it that it waits for its session first."""

    state: State
    store: ObjectStore
    place: Place
