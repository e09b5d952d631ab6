"""Takes a live stream's packets off one connection, without decoding any: a program in a sandbox.

Its input is one line (JSON): {"url", "format", "options"}; its output is the video as NUT, packet by packet.
"""

from __future__ import annotations

import json
import sys

import av
import av.subtitles.stream  # loaded with the first container else, and then no file can be opened

from services.runtime.sandbox import kernel
from services.runtime.sandbox.confinement import confine_reader
from services.runtime.sandbox.system_calls import NoSandbox

EXIT_UNREADABLE, EXIT_NO_VIDEO, EXIT_NO_SANDBOX = 3, 4, 5
_ORDER_BYTES = 16 * 1024
_OPTIONS = {"fpsprobesize": "0", "analyzeduration": "1000000"}


def copy(url: str, form: str, options: dict[str, str]) -> int:
    """Copy until the end; give the exit code."""
    source = av.open(url, format=form, options=_OPTIONS | options)
    video = source.streams.best("video")
    if video is None:
        return EXIT_NO_VIDEO
    sink = av.open("pipe:1", "w", format="nut", options={"flush_packets": "1"})
    copied = sink.add_stream_from_template(video)
    for packet in source.demux(video):
        if packet.dts is not None:
            packet.stream = copied
            sink.mux(packet)
    sink.close()
    return 0


def main() -> int:
    """Copy what the order names."""
    kernel.die_with_parent()
    order = json.loads(sys.stdin.buffer.readline(_ORDER_BYTES))
    try:
        confine_reader(order["port"])
    except NoSandbox:
        return EXIT_NO_SANDBOX
    try:
        return copy(order["url"], order["format"], order["options"])
    except (av.FFmpegError, OSError, ValueError):
        return EXIT_UNREADABLE


if __name__ == "__main__":
    raise SystemExit(main())
