"""The parts of a session as they happen: each run of ffmpeg that brings media is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

from services.domain import times
from services.domain.artifact import Kind
from services.domain.manifest import Mark, Part
from services.runtime import metrics
from services.worker.capture.before import Before, Missed
from services.worker.capture.doubt import Doubt
from services.worker.capture.drift import Drift
from services.worker.capture.early import Early
from services.worker.capture.going_live import GoingLive
from services.worker.capture.needs import Needs
from services.worker.capture.settling import Settling
from services.worker.capture.steady_clock import SteadyClock
from services.worker.delivery.lane import Lane
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.parcel import Waiting, discard
from services.worker.events import (
    JUMPED,
    CaptureEvent,
    ClockSet,
    FileClosed,
    KeyframeSeen,
    MediaSeen,
    PaceSeen,
    PictureUnchanged,
    RunOutgrown,
    Undecodable,
    VideoSeen,
)
from services.worker.following import Following
from services.worker.pictures.keyframes import Keyframes
from services.worker.succession.ledger import Ledger
from services.worker.succession.loose_end import LooseEnd
from services.worker.succession.part_files import PartFiles

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Parts:
    """Turns what a run tells into parts, gaps, ledger lines and files on their lanes.

    `missing_cause` says why media is missing before the next part when the publisher stayed; `missed` why a publisher
    was not captured although the worker listened. `outgrown` is set when the present run has to be replaced by one that
    has what it `needs`, and `is_replaced` while it ends for such a one: the next part may begin amid its last files.
    `before` says what is known of the time before the next part, and `loose` is the end of the last one where that was
    cut off. `keyframes` are those of the present run; `until` is where its part ends when what comes after that is of
    another (PTS, s), and `closed` is set while no part is open. `anchored` is told where the present run's PTS 0 is
    (epoch s).
    """

    following: Following
    manifest: ManifestKeeper
    ledger: Ledger
    lanes: dict[Kind, Lane]
    missing_cause: str = "worker_lost"
    missed: str | None = None
    needs: Needs = field(default_factory=Needs)
    steady: SteadyClock = field(default_factory=SteadyClock.read)
    outgrown: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    keyframes: Keyframes = field(default_factory=Keyframes)
    until: float | None = None
    anchored: Callable[[float], None] = lambda _: None
    has_jumped: bool = False
    is_replaced: bool = False
    before: Before = Before.UNKNOWN
    loose: InitVar[LooseEnd | None] = None
    settling: Settling = field(init=False)
    _early: Early = field(default_factory=Early)
    _files: PartFiles | None = None
    _doubt: Doubt = field(init=False)
    _drift: Drift = field(init=False)
    _last_pts: float = 0.0
    _hears: bool = False
    _going_live: GoingLive = field(init=False)

    def __post_init__(self, loose: LooseEnd | None) -> None:
        """Begin without a part."""
        self._doubt, self._drift = Doubt(self.steady), Drift(self.manifest)
        self.settling = Settling(
            following=self.following, manifest=self.manifest, ledger=self.ledger, lanes=self.lanes, loose=loose
        )
        self._going_live = GoingLive(
            following=self.following, manifest=self.manifest, ledger=self.ledger, steady=self.steady
        )

    @property
    def is_open(self) -> bool:
        """Say whether the present run has brought media."""
        return self._files is not None

    @property
    def number(self) -> int | None:
        """Give the present part's number, None while none is open."""
        return None if self._files is None else self._files.number

    @property
    def hears_media(self) -> bool:
        """Say whether the present run gets media, be it that it waits for the first keyframe."""
        return self._hears

    def reach(self) -> float:
        """Give the PTS up to which whole files of the present part are on their way."""
        assert self._files is not None  # noqa: S101 - a part is open
        return self._files.reach()

    def last_picture(self) -> float | None:
        """Give when the present part's last picture was taken (epoch seconds)."""
        pts = None if self._files is None else self._files.ends.get(Kind.SNAPSHOT)
        return None if self._files is None or pts is None else self._files.anchor + pts

    def moment(self, pts: float) -> datetime:
        """Give the time of a PTS of the present part."""
        return self._time(pts)

    def take(self, event: CaptureEvent, folder: Path) -> None:
        """Take what a run with its files in `folder` tells; this never waits."""
        match event:
            case ClockSet() if self._files is None:
                self._open(event, folder)
            case VideoSeen() if self._files is not None:
                self.manifest.change_part(self._files.number, video=event.video)
            case KeyframeSeen():
                self.keyframes.add(event)
                self._mark(event)
                self._seen(event)
            case MediaSeen():
                self._seen(event)
            case PaceSeen() | PictureUnchanged():
                self._pace(event)
            case Undecodable():
                log.warning("picture_undecodable", pts=event.pts, error=event.error[:200])
            case RunOutgrown():
                self._outgrow(event, folder)
            case FileClosed():
                self._ship(event)

    def _mark(self, keyframe: KeyframeSeen) -> None:
        """Note the newest keyframe where a later worker finds it."""
        if self._files is None:
            return
        if self._files.first_keyframe is None:
            self._files.first_keyframe = keyframe.pts
        at = round(self._files.anchor + keyframe.pts, 3)
        self.manifest.mark(Mark(part=self._files.number, at=at, digest=keyframe.digest))

    def _seen(self, media: MediaSeen | KeyframeSeen) -> None:
        self._hears = True
        self._last_pts = max(self._last_pts, media.pts)
        if self._files is not None:
            self._drift.seen(self._files.number, media.drift)
        self._release(media.pts)

    def settle(self) -> None:
        """Ship whole what the last part left open, if that is not settled yet."""
        self.settling.settle(self.missing_cause)

    def _open(self, clock: ClockSet, folder: Path) -> None:
        self.settle()
        number, previous_end = len(self.manifest.head.parts), self.manifest.last_end()
        if previous_end is not None:
            # Another machine's clock may have been ahead, or media may have run faster than time.
            clock = replace(clock, anchor=max(clock.anchor, previous_end.timestamp() - clock.first))
        if clock.digest is None and self.keyframes.first is not None:
            clock = replace(clock, digest=self.keyframes.first.digest)
        self._files, self.has_jumped = PartFiles.begun(number, clock, folder), False
        self.anchored(clock.anchor)
        self.closed.clear()
        self._hears = True
        self._last_pts = clock.first
        part = Part(number=number, started_at=self._time(clock.first))
        self.following.news.began(part)
        self.ledger.part(number, clock, folder)
        self.manifest.begin_part(part)
        log.info("part_began", part=number, before=self.before.value)
        self._going_live.begin(part, Missed(previous_end, self.missing_cause, self.missed, self.before))
        self.missing_cause, self.missed, self.before = "ffmpeg_lost", None, Before.UNKNOWN
        if (keyframe := self.keyframes.last) is not None:
            self._mark(keyframe)
        for file in self._early.taken():
            self._ship(file)

    def _pace(self, pace: PaceSeen | PictureUnchanged) -> None:
        """Show how the pictures keep up with what is asked for."""
        if isinstance(pace, PictureUnchanged):
            self.manifest.count_unchanged()
            return
        metrics.IMAGE_SECONDS.labels("asked").set(pace.asked)
        metrics.IMAGE_SECONDS.labels("achieved").set(pace.achieved)
        self.manifest.set(images={"asked": pace.asked, "achieved": pace.achieved})

    def _outgrow(self, event: RunOutgrown, folder: Path) -> None:
        """Note that the present run is to be replaced, and where its part ends if not only there."""
        if not self.needs.take(event, folder):
            return
        self.has_jumped = event.why == JUMPED
        # Of a run that is to be replaced anyway nothing is to be thrown away on a further suspicion.
        if event.until is not None and self._files is not None and self.until is None and not self.outgrown.is_set():
            self.until = max(event.until, self._files.first)
        self._release()
        self.outgrown.set()

    def _release(self, reach: float | None = None) -> None:
        for file in self._doubt.released(reach):
            self._ship(file, is_believed=True)

    def _ship(self, file: FileClosed, *, is_believed: bool = False) -> None:
        """Note a closed file and send it on its lane, once its times are to be believed."""
        files = self._files
        if files is None:
            if self._early.add(file):
                self._open_by_files(file.path.parent)
            return
        if self.until is None and not is_believed and self._doubt.hold(file, files.anchor):
            return
        if self.until is None and self.is_replaced and file.kind is not Kind.SNAPSHOT:
            return  # as if it had stayed open: `close` finds it
        kept = files.own(file, self.until)
        if kept is None:
            discard(file)
        file = kept or file
        if file.kind is not Kind.SNAPSHOT and file.is_first and file.start < files.first:
            # ffmpeg calls the start of the very first file 0, whenever its first packet came.
            file = replace(file, start=files.first)
        if kept is not None or file.kind is not Kind.SNAPSHOT:
            files.close(file)
        self._last_pts = max(self._last_pts, file.end)
        self.ledger.closed(files.number, file)
        if kept is None:  # it is of another part: nothing of this one is lost with it
            self.ledger.dropped(file.path, None, None)
            return
        self.lanes[file.kind].put(Waiting(file, files.number, files.anchor))

    def _open_by_files(self, folder: Path) -> None:
        """Begin a part of which the picture child does not speak."""
        log.warning("clock_by_files", files=len(self._early))
        self._open(self._early.clock(self.steady.now()), folder)

    async def close(self, returncode: int, folder: Path, *, end: float | None = None, goes_on: bool = False) -> None:
        """End the part of a run that is over, at `end` (PTS, s) where that is known better.

        What a killed ffmpeg left open ships once it is settled where the next part begins. With `goes_on` the next one
        begins at once: nobody who waits for the end of all parts is to hear of it.
        """
        self._hears = False
        if self._files is None:
            await self._early.measure()
        if self._files is None and self._early:
            self._open_by_files(folder)
        await self._going_live.said()
        files = self._files
        if files is None:
            self.is_replaced = False
            return
        self._release()
        open_files = await files.open_files()
        if returncode == 0:
            self.missing_cause = "publisher_away"  # nothing more came; an ffmpeg that is killed does not end so
        end = self.until if self.until is not None else end
        # Of a folder that is gone nothing counts but what was whole before.
        if end is None and (open_files or not folder.is_dir()):  # noqa: ASYNC240 - one look
            self.settling.loose = LooseEnd.of(files, open_files, of_another_plan=self.is_replaced)
        else:
            for file in open_files:
                self._ship(file, is_believed=True)
            ended_at = self._time(self._last_pts if end is None else end)
            self.ledger.ended(files.number, ended_at)
            self.manifest.change_part(files.number, ended_at=ended_at)
        log.info("part_ended", part=files.number, returncode=returncode)
        self._files, self.until, self.is_replaced = None, None, False
        self.keyframes = Keyframes()
        if not goes_on:
            self.closed.set()

    def _time(self, pts: float) -> datetime:
        assert self._files is not None  # noqa: S101 - a part is open
        return times.utc(self._files.anchor + pts)
