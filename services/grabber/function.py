"""The same as the program, as a function of AWS Lambda: the picture goes into the store, the answer says where it is.

It runs outside every network of the deployment, so that a stranger's address can lead nowhere else, and its role may
put objects under `snapshots/adhoc/` and nothing more.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from ulid import ULID

from services.adapters.opening import open_store
from services.domain import keys
from services.domain.errors import InvalidInput, Unavailable
from services.domain.grab import GrabOrder, NoPicture, Trouble
from services.domain.source import require_source
from services.runtime import grab_program
from services.runtime.setting_types import SpelledNetworks
from services.runtime.storage_settings import StorageSettings

SECONDS_MAX = 7.0
STORE_ATTEMPTS = 2
STORE_SECONDS = 2.0


class FunctionSettings(StorageSettings):
    """Where pictures go, and where sources may lead besides public addresses."""

    allowed_networks: SpelledNetworks = ""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take the picture of `event` (`source_url, at, width, seconds`); give its key and what is said of it."""
    settings = FunctionSettings.load()
    order = GrabOrder(
        source_url=str(event.get("source_url", "")),
        at=event.get("at"),
        width=event.get("width"),
        allowed_networks=settings.allowed_networks,
        deadline=time.monotonic() + min(float(event.get("seconds", SECONDS_MAX)), SECONDS_MAX),
    )
    try:
        require_source(order.source_url)
        said, body = grab_program.run(order)
        return {**said, "key": _stored(settings, body)} if "picture" in said else said
    except InvalidInput as error:
        return _problem(Trouble.REFUSED, error.field, error.problem)
    except NoPicture as error:
        return _problem(error.kind, error.field, str(error))
    except Unavailable as error:
        return _problem(Trouble.OURS, "source_url", str(error))


def _problem(kind: Trouble, field: str, detail: str) -> dict[str, Any]:
    return {"problem": {"kind": kind.value, "field": field, "detail": detail}}


def _stored(settings: FunctionSettings, body: bytes) -> str:
    key = keys.adhoc_snapshot(str(ULID()).lower())
    store = open_store(
        directory_path=settings.directory_path,
        bucket=settings.bucket,
        attempts=STORE_ATTEMPTS,
        read_seconds=STORE_SECONDS,
    )
    with closing(store), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(body)
        store.create(key, path, sha256=hashlib.sha256(body).hexdigest())
    return key
