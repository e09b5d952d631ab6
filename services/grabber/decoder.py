"""Decodes one picture: a program in a sandbox, which has nothing but its standard input and output.

The first line of its input is an order (JSON):
    {"mode": "stream", "offset": seconds after the first picture, or null: the last keyframe, "width": …}
    {"mode": "file", "size": bytes, "at": seconds | "random" | null, "width": …}
A stream's bytes follow. Of a file it asks what it needs, {"read": [offset, size]}, and is sent 4 bytes of length and
the bytes. It answers with one line and ends:
    {"picture": {"width", "height", "offset", "bytes"}}      and that many bytes of JPEG
    {"failed": text}      {"beyond": seconds that there are}
"""

from __future__ import annotations

import json
import sys
from typing import Any

import av

from services.grabber.asked_file import AskedFile
from services.grabber.jpeg import jpeg
from services.grabber.picking import Beyond, Picked, pick_from_file, pick_from_stream
from services.runtime.sandbox import kernel
from services.runtime.sandbox.confinement import confine_decoder
from services.runtime.sandbox.system_calls import NoSandbox

_ORDER_BYTES = 4096


def tell(**said: object) -> None:
    """Write one line of the answer."""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")
    sys.stdout.buffer.flush()


def take(order: dict[str, Any]) -> Picked:
    """Find the picture that an order asks for."""
    if order["mode"] == "file":
        return pick_from_file(AskedFile(order["size"], tell), order["at"])
    return pick_from_stream(sys.stdin.buffer, order["offset"])


def main() -> None:
    """Answer one order."""
    kernel.die_with_parent()
    try:
        confine_decoder()
    except NoSandbox as error:
        tell(failed=str(error), is_ours=True)
        return
    order = json.loads(sys.stdin.buffer.readline(_ORDER_BYTES))
    try:
        picked = take(order)
        body, width, height = jpeg(picked.frame, order["width"])
    except Beyond as error:
        tell(beyond=error.seconds)
    except (av.FFmpegError, OSError, MemoryError):  # some of FFmpeg's are ValueErrors too: their words are for us alone
        tell(failed="it cannot be decoded")
    except ValueError as error:
        tell(failed=str(error)[:200])
    else:
        tell(picture={"width": width, "height": height, "offset": picked.offset, "bytes": len(body)})
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
