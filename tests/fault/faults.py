"""What may go wrong in a walk: each fault is a function of a world, a channel and a length, and undoes itself.

A new fault is one entry of FAULTS. `subject` is what it holds for its time, so that two faults do not undo one another:
`store`, `state`, `gateway`, or something of one channel. `cost` is how many seconds of one
channel it loses as a rule: the schedule keeps to a budget of them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from tests.fault.proxy import Mode
from tests.fault.world import Air, World
from tests.numbered import NumberedClip
from tests.rtmp import LivePublisher, Refused

Act = Callable[[World, Air, float], None]
_PAUSE = threading.Event()  # never set
OTHER_CLIPS = {
    "other_size": NumberedClip(width=320, height=180),
    "other_rate": NumberedClip(rate=50),
    "b_frames": NumberedClip(b_frames=2),
    "no_sound": NumberedClip(sound=False),
    "long_gop": NumberedClip(gop_seconds=2),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`weight` is how often it comes, `seconds` how long it lasts (from, to), `needs` what the world must have."""

    act: Act
    subject: str
    weight: float = 1.0
    seconds: tuple[float, float] = (0.0, 0.0)
    cost: float = 0.0
    rest: float = 5.0
    """Seconds that its subject is left alone afterwards."""
    needs: str = ""


def pause(seconds: float) -> None:
    """Let a fault last."""
    _PAUSE.wait(seconds)


def _drop(_: World, air: Air, seconds: float) -> None:
    air.broadcaster.drop(away=seconds)
    pause(seconds)


def _vanish(_: World, air: Air, seconds: float) -> None:
    air.broadcaster.vanish(away=seconds)
    pause(seconds)


def _flap(_: World, air: Air, seconds: float) -> None:
    """Come and go every 2 s."""
    for _turn in range(round(seconds / 2)):
        air.broadcaster.drop(away=0.5)
        pause(2)


def _silence(_: World, air: Air, seconds: float) -> None:
    air.broadcaster.silence(seconds)
    pause(seconds)


def _change(name: str) -> Act:
    def change(world: World, air: Air, seconds: float) -> None:
        usual = air.broadcaster.clip
        air.broadcaster.change(world.clip(OTHER_CLIPS[name]))
        pause(seconds)
        air.broadcaster.change(usual)

    return change


def _kill(*words: str) -> Act:
    def kill(world: World, air: Air, _: float) -> None:
        filled = [air.id if word == "<channel>" else word for word in words]
        found = world.find(*filled)
        if found is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.kill()

    return kill


def _kill_picture_child(world: World, air: Air, _: float) -> None:
    found = world.find("services.worker.pictures.picture", world.session_ids[air.id])
    if found is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.kill()


def _kill_callback_app(world: World, _: Air, __: float) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, StopIteration):
        world.callback_app().kill()


def _kill_nginx(world: World, _: Air, __: float) -> None:
    for process in world.nginx():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _stop(*words: str) -> Act:
    """Freeze a process; it is let go on at the end if it is still there."""

    def stop(world: World, air: Air, seconds: float) -> None:
        found = world.find(*(air.id if word == "<channel>" else word for word in words))
        if found is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            found.suspend()
            pause(seconds)
            found.resume()

    return stop


def _intrude(_: World, air: Air, __: float) -> None:
    """Publish a second time: it must be refused, and harm nobody."""
    intruder = LivePublisher(air.broadcaster.url, air.broadcaster.tags())
    if not air.broadcaster.is_sending:
        return
    with contextlib.suppress(Refused):
        intruder.start()
        intruder.ended.wait(5)
        intruder.leave()


def _terminate(world: World, air: Air, _: float) -> None:
    found = world.find("services.worker", "--channel", air.id)
    if found is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.terminate()


def _store(mode: Mode) -> Act:
    def fail(world: World, _: Air, seconds: float) -> None:
        assert world.store is not None
        world.store.fail(mode, seconds=2.0)
        pause(seconds)
        world.store.heal()

    return fail


def _state(mode: Mode) -> Act:
    def fail(world: World, _: Air, seconds: float) -> None:
        assert world.state is not None
        world.state.fail(mode, seconds=1.0)
        pause(seconds)
        world.state.heal()

    return fail


_WORKER = ("services.worker", "--channel", "<channel>")
_FFMPEG = ("ffmpeg", "segment_list", "<channel>")

FAULTS: Mapping[str, Fault] = {
    "drop": Fault(_drop, "publisher", weight=3, seconds=(0.3, 8)),
    "vanish": Fault(_vanish, "publisher", weight=3, seconds=(0.3, 8), cost=0.1),
    "flap": Fault(_flap, "publisher", seconds=(8, 16), rest=8),
    "silence": Fault(_silence, "publisher", weight=2, seconds=(0.5, 4)),
    **{name: Fault(_change(name), "publisher", weight=0.5, seconds=(6, 10), rest=8) for name in OTHER_CLIPS},
    "ffmpeg_kill": Fault(_kill(*_FFMPEG), "capture", weight=2, cost=1.5, rest=12),
    "worker_kill": Fault(_kill(*_WORKER), "capture", weight=1, cost=2.5, rest=20),
    "worker_term": Fault(_terminate, "capture", weight=1, cost=2.5, rest=20),
    "worker_stop": Fault(_stop(*_WORKER), "capture", weight=0.5, seconds=(1, 6), rest=8),
    "intruder": Fault(_intrude, "publisher", weight=1),
    "picture_kill": Fault(_kill_picture_child, "capture", weight=2, rest=6),
    "callback_kill": Fault(_kill_callback_app, "gateway", weight=1, rest=10),
    "nginx_kill": Fault(_kill_nginx, "gateway", weight=1, cost=0.2, rest=12),
    "metadata_kill": Fault(_kill("services.metadata"), "metadata", weight=0.5, rest=10),
    **{
        f"store_{mode}": Fault(_store(mode), "store", weight=1, seconds=(2, 9), rest=6, needs="store")
        for mode in ("500", "403", "hang", "drop_answer", "gone", "slow")
    },
    **{
        f"state_{mode}": Fault(_state(mode), "state", weight=1, seconds=(2, 8), rest=6, needs="state")
        for mode in ("500", "gone", "slow")
    },
    "ffmpeg_stop": Fault(_stop(*_FFMPEG), "capture", weight=0.5, seconds=(12, 12), cost=11, rest=12),
}
OF_ALL_CHANNELS = frozenset({"store", "state", "gateway", "metadata"})
EXCLUSIVE = (("publisher", "gateway"), ("capture", "gateway"))
"""Subjects whose faults would hide in one another."""
