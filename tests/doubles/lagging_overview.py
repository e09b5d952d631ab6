"""An overview that tells of the past, as a state that answers eventually may."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from services.adapters.sqlite_state import SqliteState
from services.domain.ports import Overview
from services.domain.standing import Followed, Standing


class LaggingOverview:
    """The overview of a SQLite state: as that is now or, once held, as it was at that moment, until let go.

    `asked` counts the answers that told of the past.
    """

    def __init__(self, state_path: Path, folder: Path) -> None:
        self._state_path = state_path
        self._folder = folder
        self._now = SqliteState(state_path)
        self._past: SqliteState | None = None
        self._pasts: list[SqliteState] = []
        self.asked = 0

    def picture(self) -> SqliteState:
        """Keep what is stored at this moment."""
        path = self._folder / f"past-{len(self._pasts)}.db"
        with (
            contextlib.closing(sqlite3.connect(self._state_path)) as now,
            contextlib.closing(sqlite3.connect(path)) as past,
        ):
            now.backup(past)
        self._pasts.append(SqliteState(path))
        return self._pasts[-1]

    def hold(self, past: SqliteState | None = None) -> None:
        """From now on tell of this moment, or of one that was kept."""
        self._past = past or self.picture()
        self.asked = 0

    def let_go(self) -> None:
        """Tell of the present again."""
        self._past = None

    def close(self) -> None:
        for state in (self._now, *self._pasts):
            state.close()

    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        return self._overview().of_channels(channel_ids)

    def open_sessions(self) -> Sequence[Standing]:
        return self._overview().open_sessions()

    def follow(self, channel_id: str, session_id: str) -> Followed:
        return self._overview().follow(channel_id, session_id)

    def pulls(self) -> Sequence[Standing]:
        return self._overview().pulls()

    def _overview(self) -> Overview:
        past = self._past
        if past is None:
            return self._now.overview
        self.asked += 1
        return past.overview
