"""The picture child: reads the tap, decodes one keyframe when a picture is due, and tells the worker the time.

A program of its own, so that what a publisher sends is decoded where it can do the least harm: it reads
standard input, writes pictures into one folder, and speaks JSON lines on standard output:

    {"event": "clock", "anchor": epoch seconds of PTS 0, "first": seconds}
    {"event": "streams", "video": {codec, width, height} | null}
    {"event": "packet", "pts": seconds}                    twice a second at the most
    {"event": "picture", "pts": seconds, "file": name, "width": pixels, "height": pixels}
    {"event": "long_gop"}                                  keyframes alone cannot keep the interval; told once
    {"event": "undecodable", "pts": seconds, "error": text}
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.packet import Packet
from av.stream import Stream

from services.worker.picture_schedule import Schedule
from services.worker.still import JpegEncoder, StillDecoder

QUEUE_PACKETS = 512
BURST_SILENCE_SECONDS = 0.03
BURST_SECONDS = 0.3
REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet with its time by the media clock and the wall clock's time of its arrival, both in seconds."""

    packet: Packet[Stream]
    pts: float
    at: float


def tell(**event: object) -> None:
    """Write one line to the worker."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def read_packets(container: av.container.InputContainer, arrivals: queue.Queue[Arrival | None]) -> None:
    """Put each packet of the tap into the queue, then None; runs in a thread of its own."""
    try:
        for packet in container.demux():
            if packet.pts is not None and packet.stream.time_base is not None:
                arrivals.put(Arrival(packet, float(packet.pts * packet.stream.time_base), time.time()))
    except av.FFmpegError as error:
        tell(event="undecodable", pts=0.0, error=str(error))
    finally:
        arrivals.put(None)


def collect_burst(arrivals: queue.Queue[Arrival | None]) -> list[Arrival]:
    """Take what ffmpeg held back while it probed, until nothing more comes at once."""
    first = arrivals.get()
    burst = [first] if first is not None else []
    deadline = time.monotonic() + BURST_SECONDS
    while burst and time.monotonic() < deadline:
        try:
            arrival = arrivals.get(timeout=BURST_SILENCE_SECONDS)
        except queue.Empty:
            break
        if arrival is None:
            arrivals.put(None)
            break
        burst.append(arrival)
    return burst


def follow(arrivals: queue.Queue[Arrival | None], burst: list[Arrival]) -> Iterator[Arrival]:
    """Give the burst, then whatever comes, until the tap ends."""
    yield from burst
    while (arrival := arrivals.get()) is not None:
        yield arrival


def take_pictures(
    packets: Iterator[Arrival],
    decoder: StillDecoder,
    schedule: Schedule,
    write: Callable[[av.VideoFrame], tuple[str, int, int]],
) -> None:
    """Decode what the schedule asks for; a packet that cannot be decoded is told and passed over."""
    reported = 0.0
    for arrival in packets:
        is_keyframe = arrival.packet.is_keyframe and arrival.packet.stream.type == "video"
        if arrival.at - reported >= REPORT_SECONDS:
            tell(event="packet", pts=arrival.pts)
            reported = arrival.at
            if not decoder.all_packets and schedule.is_starved(arrival.pts):
                tell(event="long_gop")
        try:
            for pts, frame in decoder.frames(arrival.packet, arrival.pts, schedule.look(arrival.pts, is_keyframe)):
                name, width, height = write(frame)
                schedule.taken(pts)
                tell(event="picture", pts=pts, file=name, width=width, height=height)
        except av.FFmpegError as error:
            schedule.taken(arrival.pts)
            decoder.reset()
            tell(event="undecodable", pts=arrival.pts, error=str(error))


def writer(folder: Path) -> Callable[[av.VideoFrame], tuple[str, int, int]]:
    """Give the function that writes a frame as JPEG into `folder` under a new name, whole or not at all."""
    count = 0
    encoder = JpegEncoder()

    def write(frame: av.VideoFrame) -> tuple[str, int, int]:
        nonlocal count
        count += 1
        name = f"picture-{time.time_ns()}-{count:06d}.jpg"
        part = folder / f".{name}"
        part.write_bytes(encoder.encode(frame))
        part.rename(folder / name)
        return name, frame.width, frame.height

    return write


def main() -> None:
    """Follow the tap on standard input to its end."""
    parser = argparse.ArgumentParser(prog="streamkeep picture child")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--interval", type=float, help="seconds between pictures; none: keep the clock only")
    parser.add_argument("--all-packets", action="store_true", help="the tap carries every packet")
    parser.add_argument("--anchor", type=float, help="epoch seconds of PTS 0, where it is known already")
    parser.add_argument("--last", type=float, help="PTS of the last picture taken, in seconds")
    arguments = parser.parse_args()

    # The header tells all that is needed: nothing is held back for probing.
    options = {"probesize": "32", "analyzeduration": "0", "fpsprobesize": "0"}
    container = av.open("pipe:0", format="nut", options=options)
    video = next(iter(container.streams.video), None)

    arrivals: queue.Queue[Arrival | None] = queue.Queue(QUEUE_PACKETS)
    threading.Thread(target=read_packets, args=(container, arrivals), name="tap", daemon=True).start()
    burst = collect_burst(arrivals)
    if not burst:
        return
    anchor = arguments.anchor
    if anchor is None:
        # Held-back packets arrive late, none arrives early: the smallest difference is the nearest to the truth.
        anchor = min(arrival.at - arrival.pts for arrival in burst)
    tell(event="clock", anchor=anchor, first=min(arrival.pts for arrival in burst))
    shape = video and {"codec": video.codec_context.name, "width": video.width, "height": video.height}
    tell(event="streams", video=shape)
    schedule = Schedule(interval=arguments.interval if video else None, last=arguments.last)
    decoder = StillDecoder(video.codec_context if video else None, all_packets=arguments.all_packets)
    take_pictures(follow(arrivals, burst), decoder, schedule, writer(arguments.folder))


if __name__ == "__main__":
    main()
