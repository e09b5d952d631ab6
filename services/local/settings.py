"""What a user may set for the one-machine stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from services.runtime.setting_types import (
    BACKLOG_BYTES,
    BACKLOG_SECONDS,
    MIN_FREE_BYTES,
    SPOOL_BYTES,
    BacklogBytes,
    BacklogSeconds,
    MinFreeBytes,
    SpelledNetworks,
    SpoolBytes,
    Token,
)
from services.runtime.settings import Settings
from services.runtime.sink_settings import GIVE_UP_SECONDS, GiveUpSeconds, SpelledSinks
from services.runtime.storage_settings import BUCKET, TABLE, Bucket, State, Store, Table


class LocalSettings(Settings):
    """The stack's settings.

    `token` is the admin token (made and kept when absent); `rtmp_host` 0.0.0.0 lets other machines publish;
    below `min_free_bytes` of free disk nothing is started; a worker that hangs is replaced after two times
    `lease_seconds`. `state`, `store`, `table` and `bucket` say where state
    and objects are kept; the command line outranks the first two. `sinks` is who is told of events, events.jsonl in the
    data folder if left out; an event is given up after `give_up_seconds`, and without `events` none is kept at all.
    The gateway keeps the last `backlog_seconds` of each stream, all together in at most `backlog_bytes`.
    Channels' own webhooks and sources reach public addresses, and those in `allowed_networks`.
    """

    remedies: ClassVar[Mapping[str, str]] = {
        "state_path": "unset it: the stack's state is state.db in the folder that --data names",
        "objects_path": "unset it: the stack's objects are in the folder that --data names",
    }

    log_format: Literal["console", "json"] = "console"
    token: Token | None = None
    rtmp_host: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 - only when asked for
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    spool_bytes: SpoolBytes = SPOOL_BYTES
    backlog_seconds: BacklogSeconds = BACKLOG_SECONDS
    backlog_bytes: BacklogBytes = BACKLOG_BYTES
    lease_seconds: float | None = Field(default=None, ge=3, le=300)
    state: State = "sqlite"
    store: Store = "directory"
    table: Table = TABLE
    bucket: Bucket = BUCKET
    events: bool = True
    sinks: SpelledSinks | None = None
    give_up_seconds: GiveUpSeconds = GIVE_UP_SECONDS
    allowed_networks: SpelledNetworks = ""
