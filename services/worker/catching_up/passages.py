"""What of the backlog is to be captured, and how it joins what is before and after it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.domain.artifact import Kind
from services.domain.manifest import Mark
from services.worker.catching_up.stretch import Key, Stretch
from services.worker.events import ClockSet, KeyframeSeen
from services.worker.succession.loose_end import LooseEnd

AT_THE_END_SECONDS = 0.3
"""Sound and video of a file that a kill left need not end together: what is cut there is cut so far before its end."""
SAME_SECONDS = 0.06
"""By how much the time of a keyframe may differ from that of the file that begins or ends with it."""
EXACT_SECONDS = 0.008
"""By how much a keyframe that comes next may seem to come before the end of what is there, both on one clock: less than
a frame lasts."""
NEAR_SECONDS = 0.25
"""The same, where the two are of different clocks."""
MARK_APART_SECONDS = 10.0
"""By how much the time of one keyframe may differ on two machines: media may have run faster or slower than time."""


class NotThere(Exception):
    """The live pull's first keyframe is not in the backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the live pull has brought so far: where its PTS 0 is (epoch s), and its first keyframe."""

    anchor: float
    first: KeyframeSeen

    @property
    def at(self) -> float:
        """Give when its first keyframe was captured (epoch s)."""
        return self.anchor + self.first.pts


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is captured as one part: a stretch from each kind's keyframe on, up to `until` or the end.

    0 of the stretch's clock is at `epoch` (s), so that the part joins the one before it.
    """

    stretch: Stretch
    since: Mapping[Kind, Key]
    until: Key | None
    epoch: float

    @property
    def begin(self) -> Key:
        """Give the keyframe of the kind that begins first."""
        return min(self.since.values(), key=lambda key: key.pts)

    @property
    def end(self) -> float:
        """Give where it ends (epoch s)."""
        return self.epoch + (self.stretch.end if self.until is None else self.until.pts) / 1000

    def clock(self) -> ClockSet:
        """Give the clock of a run over it, which begins with the DTS of its first keyframe."""
        begin = self.begin
        first = (begin.pts - begin.dts) / 1000
        begins = {kind: (key.pts - begin.dts) / 1000 for kind, key in self.since.items()}
        is_one = len(set(begins.values())) == 1
        return ClockSet(
            anchor=self.epoch + begin.dts / 1000,
            first=first,
            first_keyframe=None if is_one else first,
            begins={} if is_one else begins,
            digest=begin.digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """What is to be done: cut the loose end, capture the `passages`, let the live pull begin by its clock `live`.

    What comes next of each kind begins at `begins`, the loose end is cut at `cuts` (epoch s). `live_joins` says that
    the live pull goes on where what is before it ends, `live_is_first` that it has its connection's first keyframe.
    """

    begins: Mapping[Kind, float]
    cuts: Mapping[Kind, float]
    passages: Sequence[Passage]
    live: ClockSet | None = None
    live_joins: bool = False
    live_is_first: bool = False


@dataclass(slots=True, kw_only=True)
class Planning:
    """Plans by what was fetched; the last part ended at `reach` (epoch s; None: there was none), or has a `loose` end.

    `mark` is a keyframe of the last part, and `kinds` are those that are captured.
    """

    stretches: Sequence[Stretch]
    kinds: Sequence[Kind]
    loose: LooseEnd | None
    reach: float | None
    live: Live | None
    mark: Mark | None = None
    _place: tuple[int, Key] | None = None
    _epochs: list[float] = field(default_factory=list)
    _tolerance: float = NEAR_SECONDS
    _frame: float = SAME_SECONDS
    _cuts: dict[Kind, float] = field(default_factory=dict)

    def planned(self) -> Passages:
        """Say what is to be done; raise NotThere where the live pull is not in the backlog."""
        self._place = self._placed()
        self._set_clocks()
        reach, begins, passages, since = self._reach(), dict[Kind, float](), list[Passage](), dict[Kind, Key]()
        last = len(self.stretches) - 1 if self._place is None else self._place[0]
        for number in range(last + 1):
            until = self._place[1] if self._place is not None and number == last else None
            since = self._since(number, reach, until)
            for kind, key in since.items():
                begins.setdefault(kind, self._at(number, key))
            passage = self._passage(number, since, until)
            if passage is not None:
                passages.append(passage)
                reach = {kind: max(at, passage.end) for kind, at in reach.items()}
        return Passages(
            begins=begins,
            cuts=self._cuts,
            passages=passages,
            live=self._live_clock(since),
            live_joins=self._joins(passages),
            live_is_first=self._place is not None and self.stretches[last].has_first(self._place[1]),
        )

    def _placed(self) -> tuple[int, Key] | None:
        """Find the live pull's first keyframe."""
        live = self.live
        if live is None:
            return None
        found = [
            (number, key)
            for number, stretch in enumerate(self.stretches)
            if (key := stretch.same_as(live.first.digest, live.at)) is not None
        ]
        if not found:
            raise NotThere
        return min(found, key=lambda each: abs(self.stretches[each[0]].at(each[1].pts) - live.at))

    def _set_clocks(self) -> None:
        """Put all on this worker's clock, and the stretch that the last part is of on that part's."""
        shift = 0.0
        if self.live is not None and self._place is not None:
            shift = self.live.at - self.stretches[self._place[0]].at(self._place[1].pts)
        self._epochs = [stretch.began_at + shift for stretch in self.stretches]
        mark = self.mark
        for number, stretch in enumerate(self.stretches):
            key = None if mark is None else stretch.same_as(mark.digest, mark.at - shift)
            if mark is not None and key is not None and abs(self._at(number, key) - mark.at) < MARK_APART_SECONDS:
                self._move(stretch, mark.at - self._at(number, key))
                self._tolerance, self._frame = SAME_SECONDS, EXACT_SECONDS
                return
        self._go_by_the_files()

    def _go_by_the_files(self) -> None:
        """Where no keyframe is known, let the one be it that is nearest to where an open file begins with one."""
        starts = [] if self.loose is None else [self.loose.start(file.kind) for file in self.loose.files]
        for number, stretch in enumerate(self.stretches):
            apart = [start - self._at(number, key) for start in starts for key in stretch.keys]
            least = min(apart, key=abs, default=NEAR_SECONDS)
            if abs(least) < NEAR_SECONDS:
                self._move(stretch, least)
                self._tolerance, self._frame = SAME_SECONDS, EXACT_SECONDS
                return

    def _move(self, moved: Stretch, seconds: float) -> None:
        """Move a stretch in time with what is of the same connection."""
        for number, stretch in enumerate(self.stretches):
            is_same = stretch.connection is not None and stretch.connection == moved.connection
            if stretch is moved or is_same:
                self._epochs[number] += seconds

    def _reach(self) -> dict[Kind, float]:
        """Give up to when there is something of each kind (epoch s)."""
        if self.loose is None:
            return dict.fromkeys(self.kinds, 0.0 if self.reach is None else self.reach)
        reach = self.loose.reach
        return {kind: reach.get(kind, self.loose.began) for kind in self.kinds}

    def _at(self, number: int, key: Key) -> float:
        return self._epochs[number] + key.pts / 1000

    def _since(self, number: int, reach: Mapping[Kind, float], until: Key | None) -> dict[Kind, Key]:
        """Give the keyframe from which on a stretch has what is missing of each kind."""
        found: dict[Kind, Key] = {}
        for kind in self.kinds:
            key = self._cut(number, kind) or self._from(number, reach[kind]) or until
            if key is not None:
                found[kind] = key
        return found

    def _cut(self, number: int, kind: Kind) -> Key | None:
        """Give the last keyframe at which the loose end can be cut, and note it."""
        if self.loose is None or kind in self._cuts or kind not in self.loose.reach:
            return None
        start, end = self.loose.start(kind), self.loose.reach[kind]
        apart = {key: self._at(number, key) - start for key in self.stretches[number].keys}
        inside = [key for key, since in apart.items() if self._tolerance < since <= end - start - AT_THE_END_SECONDS]
        edge = [key for key, since in apart.items() if abs(since) <= self._tolerance]
        key = inside[-1] if inside else min(edge, key=lambda key: abs(apart[key]), default=None)
        if key is not None:
            self._cuts[kind] = self._at(number, key)
        return key

    def _from(self, number: int, reach: float) -> Key | None:
        keys = self.stretches[number].keys
        return next((key for key in keys if self._at(number, key) > reach - self._frame), None)

    def _passage(self, number: int, since: Mapping[Kind, Key], until: Key | None) -> Passage | None:
        """Give what is to be captured of a stretch, None where nothing is missing of it."""
        end = None if until is None else until.pts
        if not any(end is None or key.pts < end for key in since.values()):
            return None
        kept = {kind: key if until is None or key.pts < until.pts else until for kind, key in since.items()}
        return Passage(stretch=self.stretches[number], since=kept, until=until, epoch=self._epochs[number])

    def _live_clock(self, since: Mapping[Kind, Key]) -> ClockSet | None:
        """Give the live pull's clock: it begins with its first keyframe, or later with what is there already."""
        if self.live is None or self._place is None:
            return None
        first, (number, own) = self.live.first, self._place
        begins = {kind: first.pts + max(0, key.pts - own.pts) / 1000 for kind, key in since.items()}
        start = min(begins.values(), default=first.pts)
        return ClockSet(anchor=self._at(number, own) - first.pts, first=start, first_keyframe=first.pts, begins=begins)

    def _joins(self, passages: Sequence[Passage]) -> bool:
        if self._place is None:
            return False
        if passages:
            return passages[-1].stretch is self.stretches[self._place[0]]
        return self.loose is not None
