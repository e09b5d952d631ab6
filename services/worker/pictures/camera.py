"""Takes pictures: those that are due, and those that are asked for; the newest keyframe where that is good enough."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace

import av

from services.domain.capture import ImagePlan
from services.worker.events import SAME_CLOCK_SECONDS
from services.worker.pictures.between import Between
from services.worker.pictures.commands import Anchored, Ask, Change, Command
from services.worker.pictures.making import Maker
from services.worker.pictures.media_clock import JUMP_SECONDS
from services.worker.pictures.picture_schedule import Look, Schedule
from services.worker.pictures.still import StillDecoder
from services.worker.pictures.tail import Ring, Segments
from services.worker.pictures.tap import Arrival
from services.worker.pictures.teller import Teller, tell
from services.worker.pictures.transport_stream import NotInStep

POLL_SECONDS = 0.015
"""How often the newest file is looked at while a picture is due."""
STROLL_SECONDS = 0.25
"""How often, while it is not due yet."""
OVERDUE_SECONDS = 1.0
"""After that it may not come soon: the stream has stopped, or its frames are few."""
ASKS_HELD = 32
"""So many wait for the first keyframe; who asks then is told that there is none."""
TAKEN_KEPT = 128
"""So many pictures are known by their PTS: newer ones may be taken before somebody asks for the keyframe again."""


@dataclass(slots=True, kw_only=True)
class Camera:
    """Looks at each packet and at the clock; `files` is where to read behind ffmpeg, None where that cannot be.

    `codec` names what is decoded, None: there is no video. `offset` is the session's time less CLOCK_MONOTONIC (s),
    `anchor` where PTS 0 is (epoch s) where the worker knows it better than the teller's clock.
    """

    codec: str | None
    decoder: StillDecoder
    schedule: Schedule
    maker: Maker
    images: ImagePlan
    teller: Teller
    offset: float
    files: Segments | Ring | None
    anchor: float | None = None
    _newest: Arrival | None = None
    _between: Between | None = None
    _given_up: bool = False
    _taken: deque[float] = field(default_factory=lambda: deque(maxlen=TAKEN_KEPT))
    _paced: float | None = None
    _held: list[Ask] = field(default_factory=list)

    def now(self) -> float:
        """Give the PTS that has just arrived, if media comes as it did so far (s)."""
        return time.monotonic() + self.offset - self.teller.clock.lateness

    def see(self, arrival: Arrival) -> None:
        """Take a picture of a packet if one is due; one that cannot be decoded is told and passed over."""
        self.teller.take(arrival)
        if self.codec is None or self.teller.clock.is_in_doubt:
            return
        look = self.schedule.look(arrival.pts, arrival.is_keyframe)
        is_blank = look is Look.DECODE_KEYFRAME
        try:
            for pts, frame in self.decoder.frames(arrival.packet, arrival.pts, look):
                is_blank = False
                self._due(pts, frame)
        except av.FFmpegError as error:
            is_blank = False
            self.decoder.reset()
            self._undecodable(arrival.pts, error)
        if arrival.is_keyframe:
            self._keyframe(arrival, is_blank=is_blank)
        held, self._held = self._held, []
        for ask in held:
            self.take(ask)

    def _keyframe(self, keyframe: Arrival, *, is_blank: bool) -> None:
        """Begin anew; where keyframes are but beginnings of refreshes, a decode that has not shown anything goes on."""
        self._newest = keyframe
        if is_blank:
            self.schedule.blank()
        if not (is_blank and self._between is not None and not self._between.has_shown):
            self._leave()
        self._given_up = False

    def wait(self) -> float | None:
        """Give the seconds until something is to be done although nothing comes; None: nothing is."""
        between = self._wanted()
        if between is None:
            return None
        begin, due = between
        now = self.now()
        if self._between is None or now < begin:
            return max(0.0, begin - now)
        if now > due + OVERDUE_SECONDS:
            return STROLL_SECONDS
        return max(POLL_SECONDS, min(due - now, STROLL_SECONDS))

    def work(self) -> bool:
        """Decode on between keyframes where a picture is due before the next one; say whether there is more to do."""
        between = self._wanted()
        if between is None or self._newest is None or self.now() < between[0]:
            return False
        try:
            following = self._between = self._between or self._begin(self._newest.pts)
            picture, is_more = following.first_from(between[1])
            if picture is not None:
                self._require_now(picture[0])
                self._due(*picture)
        except (av.FFmpegError, NotInStep, OSError) as error:
            self._leave()
            self._given_up = True
            if not isinstance(error, NotInStep):
                self._undecodable(between[1], error)
            return False
        return is_more

    def _wanted(self) -> tuple[float, float] | None:
        is_possible = self.files is not None and self.codec is not None and not self._given_up
        return self.schedule.between() if is_possible and not self.teller.clock.is_in_doubt else None

    def _begin(self, keyframe: float) -> Between:
        assert self.codec is not None and self.files is not None  # noqa: S101, PT018 - see _wanted() and _up_to_date()
        return Between(self.codec, self.files, keyframe, self.teller.beat)

    def _leave(self) -> None:
        if self._between is not None:
            self._between.close()
            self._between = None

    def obey(self, command: Command) -> None:
        """Do what the worker asks for."""
        match command:
            case Change():
                self.images = replace(self.images, **command.settings)
                self.maker.change(self.images)
                self.schedule.change(self.images.seconds)
            case Anchored():
                if abs(command.anchor - self._anchor()) > SAME_CLOCK_SECONDS:
                    self._taken.clear()  # what was taken is not kept: whoever asks for it has it taken again
                self.anchor = command.anchor
            case Ask():
                self.take(command)

    def take(self, ask: Ask) -> None:
        """Take a picture now, or name the one that shows the same frame already."""
        if self.codec is None:
            tell(event="asked", id=ask.id, error="no_video")
        elif self.decoder.all_packets and (pictures := self._last()):
            self._shoot(ask, pictures)
        elif self._newest is not None and not self.decoder.all_packets:
            self._answer(ask, self._newest)
        elif len(self._held) < ASKS_HELD:
            self._held.append(ask)  # what it needs may come soon
        else:
            tell(event="asked", id=ask.id, error="no_keyframe")

    def _last(self) -> list[tuple[float, av.VideoFrame]]:
        """Decode up to the newest packet of a tap that carries all of them."""
        try:
            return list(self.decoder.newest())
        except av.FFmpegError:
            self.decoder.reset()
            return []

    def _answer(self, ask: Ask, keyframe: Arrival) -> None:
        is_old = ask.max_age is not None and self.now() - keyframe.pts > ask.max_age
        picture = self._up_to_date(keyframe.pts) if is_old else None
        if picture is None and keyframe.pts in self._taken:
            tell(event="asked", id=ask.id, pts=keyframe.pts)
            return
        picture = picture or self._still(keyframe) or self._up_to_date(keyframe.pts)
        self._shoot(ask, [] if picture is None else [picture])

    def _still(self, keyframe: Arrival) -> tuple[float, av.VideoFrame] | None:
        """Decode a keyframe alone, None where it is no picture by itself."""
        try:
            return next(((keyframe.pts, frame) for frame in self.decoder.still(keyframe.packet)), None)
        except av.FFmpegError:
            return None

    def _up_to_date(self, keyframe: float) -> tuple[float, av.VideoFrame] | None:
        """Decode from the newest keyframe up to the newest frame, None where that cannot be."""
        if self.files is None:
            return None
        between = self._begin(keyframe)
        try:
            if (picture := between.newest()) is not None:
                self._require_now(picture[0])
        except (av.FFmpegError, NotInStep, OSError):
            return None
        finally:
            between.close()
        return picture

    def _require_now(self, pts: float) -> None:
        """Raise NotInStep for a frame from the future: timestamps were set forward, which the tap is about to show."""
        if pts > self.now() + JUMP_SECONDS:
            message = "timestamps were set forward"
            raise NotInStep(message)

    def _shoot(self, ask: Ask, pictures: list[tuple[float, av.VideoFrame]]) -> None:
        """Make what was asked for, without a change of the schedule."""
        for pts, frame in pictures:
            if pts in self._taken:
                tell(event="asked", id=ask.id, pts=pts)
            else:
                self._make(pts, frame, asked=ask.id)
        if not pictures:
            tell(event="asked", id=ask.id, error="undecodable")

    def _due(self, pts: float, frame: av.VideoFrame) -> None:
        if pts not in self._taken:  # it may have been asked for just before
            self._make(pts, frame, due=self.schedule.place(pts))
        self.schedule.taken(pts)
        achieved = self.schedule.achieved()
        if achieved is not None and round(achieved, 2) != self._paced:
            self._paced = round(achieved, 2)
            tell(event="pace", asked=self.schedule.interval, achieved=self._paced)

    def _make(self, pts: float, frame: av.VideoFrame, **more: float | None) -> None:
        """Make a picture, which was `due` then, or `asked` for by this number."""
        anchor = self._anchor()
        made = self.maker.make(frame, pts, anchor + pts, is_asked="asked" in more)
        if made is None:
            tell(event="unchanged", pts=pts)
            return
        self._taken.append(pts)
        tell(event="picture", pts=pts, anchor=anchor, **made, **more)

    def _anchor(self) -> float:
        return self.teller.clock.anchor if self.anchor is None else self.anchor

    def _undecodable(self, pts: float, error: Exception) -> None:
        self.schedule.taken(pts)
        tell(event="undecodable", pts=pts, error=str(error))
