"""The picture child: reads the tap, decodes one keyframe when a picture is due, and tells the worker the time.

A program of its own, so that what a publisher sends is decoded where it can do the least harm: it reads
standard input, takes commands (commands.py) on a pipe of their own, writes pictures into one folder, where it also
reads behind ffmpeg what lies between keyframes, and speaks JSON lines on standard output:

    {"event": "clock", "anchor": epoch seconds of PTS 0, "first": seconds}
    {"event": "streams", "video": {codec, width, height} | null}
    {"event": "packet", "pts": seconds, "drift": seconds}  once a second at the most
    {"event": "keyframe", "pts": seconds, "at": epoch seconds of its arrival, "digest": text, "drift": seconds}
    {"event": "picture", "pts": seconds, "anchor": epoch seconds of PTS 0 by its EXIF, ...}
                                                           what making.py gives; "due": seconds, its place on the
                                                           grid, or "asked": number, if it was asked for
    {"event": "unchanged", "pts": seconds}                 one that was due, and is left out: it shows nothing new
    {"event": "asked", "id": number, "pts": seconds}       the picture that was told with this PTS is what was asked for
    {"event": "asked", "id": number, "error": "no_video" | "no_keyframe" | "undecodable"}
    {"event": "pace", "asked": seconds, "achieved": seconds}  the interval, and what the last ones were
    {"event": "no_keyframes"}                              none came for longer than a GOP may last; told once
    {"event": "jump", "until": seconds, "by": seconds}     timestamps were set forward; told once
    {"event": "new_video", "until": seconds}               from here on it is described otherwise; told once
    {"event": "undecodable", "pts": seconds, "error": text}
    {"event": "alive"}                                     where there is nothing else to say for long, or it decodes
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import av

from services.domain.capture import ImagePlan
from services.domain.channel import IMAGE_QUALITY
from services.worker.pictures import commands
from services.worker.pictures.camera import Camera
from services.worker.pictures.inbox import END, End, Inbox
from services.worker.pictures.making import Maker
from services.worker.pictures.media_clock import MediaClock, opening_anchor
from services.worker.pictures.picture_schedule import Schedule
from services.worker.pictures.still import StillDecoder
from services.worker.pictures.tail import FILES
from services.worker.pictures.tail_files import TailKind
from services.worker.pictures.tap import Arrival, TapReader
from services.worker.pictures.teller import Teller, complain, tell

REPLAYED_ITEMS = 32
"""A file waits for its reader, so that few of its packets need to lie ready; a tap must never be made to wait."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="streamkeep picture child")
    parser.add_argument("--folder", type=Path, required=True)
    now = time.time() - time.monotonic()
    parser.add_argument("--clock-offset", type=float, default=now, help="the session's time less CLOCK_MONOTONIC (s)")
    parser.add_argument("--session", default="", help="the session's id, for the pictures' EXIF")
    parser.add_argument("--interval", type=float, help="seconds between pictures; none: only those that are asked for")
    parser.add_argument("--quality", type=int, default=int(IMAGE_QUALITY.default))
    parser.add_argument("--sizes", type=int, nargs="*", default=(), help="more widths in pixels")
    parser.add_argument("--skip-unchanged", action="store_true")
    parser.add_argument("--tiles", action="store_true")
    parser.add_argument("--commands", type=int, help="the descriptor that commands come from")
    parser.add_argument("--tail", type=TailKind, choices=list(TailKind), help="what ffmpeg writes into the folder")
    parser.add_argument("--all-packets", action="store_true", help="the tap carries every packet")
    parser.add_argument("--anywhere", action="store_true", help="files are cut at any packet: wait for no keyframe")
    parser.add_argument("--replay", type=Path, help="an FLV file to follow instead of a tap, at full speed")
    parser.add_argument("--anchor", type=float, help="epoch seconds of PTS 0, where it is known already")
    parser.add_argument("--last", type=float, help="PTS from which the grid of pictures goes on, in seconds")
    return parser.parse_args()


def run(inbox: Inbox, camera: Camera, *, needs_keyframe: bool) -> None:
    """Do what comes until the tap ends; packets before the first keyframe tell the time, and no file has them."""
    begun, is_more = not needs_keyframe, False
    while not isinstance(item := inbox.take(0 if is_more else camera.wait()), End):
        if isinstance(item, Arrival):
            if not begun and item.is_keyframe:
                begun = True
                begin(camera, item.pts)
            if begun:
                camera.see(item)
            else:
                camera.teller.take(item)
        elif item is not None:
            camera.obey(item)
        is_more = camera.work()


def begin(camera: Camera, first: float) -> None:
    """Tell the time, now that media counts from `first` on (PTS, s)."""
    tell(event="clock", anchor=camera.teller.clock.settled(), first=first)
    tell(event="streams", video=camera.teller.video)


def main() -> None:
    """Follow the tap on standard input, or what is replayed, to its end."""
    given = arguments()
    inbox = Inbox() if given.replay is None else Inbox(REPLAYED_ITEMS)
    if given.commands is not None:
        commands.listen(given.commands, inbox.put)
    container = opened(given.replay)
    tap = TapReader(container, given.clock_offset, inbox.put, partial(inbox.put, END), complain)
    if given.replay is not None:
        tap.anchor = given.anchor or 0.0
    tap.start()
    if (opening := opening_of(inbox, given)) is None:
        return
    anchor, first = opening
    camera = a_camera(given, container, MediaClock(anchor))
    needs_keyframe = camera.codec is not None and not given.anywhere
    if not needs_keyframe:
        begin(camera, first)
    run(inbox, camera, needs_keyframe=needs_keyframe)


def opening_of(inbox: Inbox, given: argparse.Namespace) -> tuple[float, float] | None:
    """Give where PTS 0 is (epoch s) and the least PTS (s) of what comes first, None if nothing comes.

    Of what is replayed each packet says where PTS 0 is, and to wait for more would be to read the file into memory.
    """
    burst = inbox.burst() if given.replay is None else inbox.burst(1)
    if not burst:
        return None
    anchor = opening_anchor([arrival.at - arrival.pts for arrival in burst]) if given.anchor is None else given.anchor
    return anchor, min(arrival.pts for arrival in burst)


def opened(replay: Path | None) -> av.container.InputContainer:
    """Open the tap, or what is replayed."""
    if replay is not None:
        return av.open(str(replay), format="flv")
    # The header tells all that is needed: nothing is held back for probing.
    return av.open("pipe:0", format="nut", options={"probesize": "32", "analyzeduration": "0", "fpsprobesize": "0"})


def a_camera(given: argparse.Namespace, container: av.container.InputContainer, clock: MediaClock) -> Camera:
    """Build what takes the pictures of a tap."""
    video = next(iter(container.streams.video), None)
    codec = video.codec_context if video else None
    images = ImagePlan(
        seconds=given.interval,
        quality=given.quality,
        sizes=tuple(given.sizes),
        skip_unchanged=given.skip_unchanged,
        tiles=given.tiles,
    )
    teller = Teller(
        header=codec.extradata if codec else None,
        video={"codec": codec.name, "width": codec.width, "height": codec.height} if codec else None,
        needs_keyframes=codec is not None and not given.anywhere,
        clock=clock,
    )
    return Camera(
        codec=codec.name if codec else None,
        decoder=StillDecoder(
            codec, all_packets=given.all_packets or given.replay is not None, anywhere=given.anywhere, alive=teller.beat
        ),
        schedule=Schedule(interval=given.interval if video else None, last=given.last),
        maker=Maker(given.folder, images, given.session, aspect=video.sample_aspect_ratio if video else None),
        images=images,
        teller=teller,
        offset=given.clock_offset,
        files=FILES[given.tail](given.folder) if given.tail is not None else None,
    )


if __name__ == "__main__":
    main()
