"""Takes one picture: `python -m services.grabber`, an order on standard input, the answer on standard output."""

from __future__ import annotations

import json
import os
import sys

from services.adapters.fetch_errors import TooLarge, TooSlow
from services.domain import times
from services.domain.errors import InvalidInput, StreamkeepError
from services.domain.grab import LINE_MAX, GrabOrder, Trouble
from services.grabber.bootstrap import guard_of
from services.grabber.decoding import NoDecoder
from services.grabber.grab import Grabbed, grab
from services.runtime.sandbox import kernel
from services.runtime.sandbox.confinement import confine_fetcher


def main() -> None:
    """Answer one order, and end without waiting for anybody."""
    kernel.die_with_parent()
    confine_fetcher()
    order = GrabOrder.read(sys.stdin.buffer.readline(LINE_MAX))
    try:
        grabbed = grab(order, guard_of(order))
    except (StreamkeepError, NoDecoder) as error:
        _tell({"problem": _problem(error)})
    else:
        _tell({"picture": _described(grabbed)}, grabbed.picture.body)
    os._exit(0)  # threads may still wait for a source that never answers


def _tell(said: dict[str, object], body: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + body)
    sys.stdout.buffer.flush()


def _described(grabbed: Grabbed) -> dict[str, object]:
    picture = grabbed.picture
    return {
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.body),
        "position": None if grabbed.position is None else round(grabbed.position, 3),
        "captured_at": None if grabbed.at is None else times.text(grabbed.at),
    }


def _problem(error: StreamkeepError | NoDecoder) -> dict[str, object]:
    match error:
        case InvalidInput():
            return {"kind": Trouble.REFUSED, "field": error.field, "detail": error.problem}
        case NoDecoder():
            kind = Trouble.OURS
        case TooLarge():
            kind = Trouble.TOO_LARGE
        case TooSlow():
            kind = Trouble.TOO_SLOW
        case _:
            kind = Trouble.UNREADABLE
    return {"kind": kind, "field": "source_url", "detail": str(error)}


if __name__ == "__main__":
    main()
