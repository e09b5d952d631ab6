"""The picture child: reads the tap, decodes one keyframe when a picture is due, and tells the worker the time.

A program of its own, so that what a publisher sends is decoded where it can do the least harm: it reads
standard input, writes pictures into one folder, and speaks JSON lines on standard output:

    {"event": "clock", "anchor": epoch seconds of PTS 0, "first": seconds}
    {"event": "streams", "video": {codec, width, height} | null}
    {"event": "packet", "pts": seconds, "drift": seconds}  twice a second at the most
    {"event": "keyframe", "pts": seconds, "at": epoch seconds of its arrival, "digest": text}
    {"event": "picture", "pts": seconds, "file": name, "width": pixels, "height": pixels}
    {"event": "long_gop"}                                  keyframes alone cannot keep the interval; told once
    {"event": "no_keyframes"}                              none came for longer than a GOP may last; told once
    {"event": "jump", "until": seconds, "by": seconds}     timestamps were set forward; told once
    {"event": "new_video", "until": seconds}               from here on it is described otherwise; told once
    {"event": "undecodable", "pts": seconds, "error": text}
    {"event": "alive"}                                     where there is nothing else to say for long, or it decodes
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import av

from services.worker.pictures.media_clock import MediaClock, opening_anchor
from services.worker.pictures.picture_schedule import Look, Schedule
from services.worker.pictures.still import JpegEncoder, StillDecoder
from services.worker.pictures.tap import Arrival, TapReader
from services.worker.pictures.teller import Teller, complain, tell


def take_pictures(
    packets: Iterable[Arrival],
    decoder: StillDecoder,
    schedule: Schedule,
    write: Callable[[av.VideoFrame], tuple[str, int, int]],
    teller: Teller,
) -> None:
    """Decode what the schedule asks for; a packet that cannot be decoded is told and passed over."""
    for arrival in packets:
        teller.take(arrival)
        in_doubt = teller.clock.is_in_doubt
        look = Look.PASS if in_doubt else schedule.look(arrival.pts, arrival.is_keyframe)
        taken = False
        try:
            for pts, frame in decoder.frames(arrival.packet, arrival.pts, look):
                name, width, height = write(frame)
                schedule.taken(pts)
                taken = True
                tell(event="picture", pts=pts, file=name, width=width, height=height)
        except av.FFmpegError as error:
            schedule.taken(arrival.pts)
            decoder.reset()
            tell(event="undecodable", pts=arrival.pts, error=str(error))
        else:
            # A keyframe that gives no picture alone is where a refresh begins: the packets after it make it whole.
            is_blank = look is Look.DECODE_KEYFRAME and not taken
            if not decoder.all_packets and (is_blank or (not in_doubt and schedule.is_starved(arrival.pts))):
                teller.once("long_gop")


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


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="streamkeep picture child")
    parser.add_argument("--folder", type=Path, required=True)
    now = time.time() - time.monotonic()
    parser.add_argument("--clock-offset", type=float, default=now, help="the session's time less CLOCK_MONOTONIC (s)")
    parser.add_argument("--interval", type=float, help="seconds between pictures; none: keep the clock only")
    parser.add_argument("--all-packets", action="store_true", help="the tap carries every packet")
    parser.add_argument("--anywhere", action="store_true", help="files are cut at any packet: wait for no keyframe")
    parser.add_argument("--anchor", type=float, help="epoch seconds of PTS 0, where it is known already")
    parser.add_argument("--last", type=float, help="PTS of the last picture taken, in seconds")
    return parser.parse_args()


def from_keyframe(packets: Iterator[Arrival], teller: Teller) -> Iterator[Arrival]:
    """Pass over what comes before the first keyframe: it tells the time, and ffmpeg writes none of it into a file."""
    for arrival in packets:
        if arrival.is_keyframe:
            yield arrival
            yield from packets
        else:
            teller.take(arrival)


def main() -> None:
    """Follow the tap on standard input to its end."""
    given = arguments()
    # The header tells all that is needed: nothing is held back for probing.
    options = {"probesize": "32", "analyzeduration": "0", "fpsprobesize": "0"}
    container = av.open("pipe:0", format="nut", options=options)
    video = next(iter(container.streams.video), None)
    codec = video.codec_context if video else None

    reader = TapReader(container, given.clock_offset, complain)
    reader.start()
    burst = reader.burst()
    if not burst:
        return
    anchor = opening_anchor([arrival.at - arrival.pts for arrival in burst])
    clock = MediaClock(anchor if given.anchor is None else given.anchor)
    needs_keyframes = video is not None and not given.anywhere
    teller = Teller(header=codec.extradata if codec else None, needs_keyframes=needs_keyframes, clock=clock)
    packets: Iterator[Arrival] = chain(burst, reader)
    if needs_keyframes:
        packets = from_keyframe(packets, teller)
    first = next(packets, None)
    if first is None:
        return
    began = first.pts if needs_keyframes else min(arrival.pts for arrival in burst)
    tell(event="clock", anchor=clock.settled(), first=began)
    tell(event="streams", video=codec and {"codec": codec.name, "width": codec.width, "height": codec.height})
    schedule = Schedule(interval=given.interval if video else None, last=given.last)
    decoder = StillDecoder(codec, all_packets=given.all_packets, anywhere=given.anywhere, alive=teller.beat)
    take_pictures(chain([first], packets), decoder, schedule, writer(given.folder), teller)


if __name__ == "__main__":
    main()
