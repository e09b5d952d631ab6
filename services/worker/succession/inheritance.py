"""What a worker takes over from the one before it: the manifest, the spool, the numbers that were given."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from services.domain import keys, times
from services.domain.artifact import OUTPUTS, Artifact, Kind
from services.domain.errors import ObjectNotFound
from services.domain.gaps import cut_off
from services.domain.manifest import Gap, Head, Part, decode_chunk, decode_head
from services.domain.playlist import target_duration
from services.domain.ports import ObjectStore
from services.domain.session import LEASE_KEPT, Session
from services.worker.delivery.manifest_keeper import LOCAL_HEAD
from services.worker.delivery.parcel import Waiting
from services.worker.delivery.patience import Patience
from services.worker.succession.ledger import Ledger
from services.worker.succession.loose_end import LooseEnd
from services.worker.succession.recovery import Leftovers, recover

log = structlog.get_logger()

SAME_FILE = timedelta(seconds=0.5)
"""By how much a file may begin before or after its line, once it has been measured."""
UNNAMED = 16
"""So many segments may be in the store, or on their way there, that a worker on another machine had not named yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """The manifest's head with all that the ledger knows, the segments in the store, and what is left to do.

    `declared` are the gaps that the manifest as it was stored last does not have, and `loose` is the end of the part
    that was open.
    """

    head: Head
    segments: Sequence[Artifact]
    leftovers: Leftovers
    next_sequence: int
    declared: Sequence[Gap] = ()
    loose: LooseEnd | None = None


def _lists_all(head: Head, segments: Sequence[Artifact]) -> bool:
    """Say whether a manifest has segments up to the end of its last part: who closed that had no other."""
    end = head.parts[-1].ended_at if head.parts else None
    last = max((each.captured_at + timedelta(seconds=each.seconds) for each in segments), default=None)
    return end is not None and last is not None and end - last < SAME_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """Takes over a session under a lease's `epoch`; what lies in `folder` saves asking the store, which may be away."""

    store: ObjectStore
    patience: Patience
    ledger: Ledger
    folder: Path
    session: Session
    epoch: int
    hls_time: float

    async def inherit(self, now: datetime) -> Inheritance:
        """Read what there is."""
        leftovers = await recover(self.ledger, self.folder)
        stored = head = await self._head(leftovers, now)
        entries = [*await self._chunked(head), *head.tail]
        head = merge(head, leftovers, known={entry.key for entry in entries})
        head = without(head, leftovers, (*entries, *leftovers.shipped))
        loose = loose_end(head, leftovers, entries)
        if loose is None or loose.part is None:
            self._ship_whole(leftovers)
        head = ended(head, leftovers, entries, loose)
        segments = [entry for entry in (*entries, *leftovers.shipped) if entry.kind is Kind.SEGMENT]
        segments = list({entry.key: entry for entry in segments}.values())
        if head.target_duration is None:  # a kill came before the head was written with it
            told = target_duration(self.hls_time, segments[0].seconds) if segments else None
            head = replace(head, target_duration=leftovers.target or told)
        if leftovers.waiting or leftovers.parcels or leftovers.shipped:
            waiting = len(leftovers.waiting) + len(leftovers.parcels)
            log.info("spool_recovered", waiting=waiting, shipped=len(leftovers.shipped))
        next_sequence = leftovers.next_number(self.session.media_sequence, segments)
        is_elsewhere = self.epoch > 1 and not leftovers.parts
        if is_elsewhere and not _lists_all(stored, segments):  # it may have named more than its head lists
            next_sequence = max(next_sequence, await self.patience.blocking(self._unnamed))
        declared = tuple(gap for gap in head.gaps if gap not in stored.gaps)
        return Inheritance(
            head=head,
            segments=segments,
            leftovers=leftovers,
            next_sequence=next_sequence,
            declared=declared,
            loose=loose,
        )

    def _ship_whole(self, leftovers: Leftovers) -> None:
        """Let the open files of a part that is not the last one, or that ended, wait for the store as they are."""
        loose = leftovers.loose
        for file in () if loose is None else loose.files:
            if loose is not None and (own := loose.own(file, None)) is not None:
                self.ledger.closed(loose.number, own)
                leftovers.waiting.append(Waiting(own, loose.number, loose.anchor))

    async def _head(self, leftovers: Leftovers, now: datetime) -> Head:
        """Give the head that an earlier worker left, or a new one."""
        if self.epoch == 1 and not leftovers.parts and now - self.session.started_at < LEASE_KEPT / 2:
            return self._new_head()  # nobody was here before
        with contextlib.suppress(OSError, ValueError, KeyError):
            local = decode_head((self.folder / LOCAL_HEAD).read_bytes())
            if local.epoch == self.epoch - 1:
                return replace(local, epoch=self.epoch)
        return await self.patience.blocking(self._stored_head)

    def _stored_head(self) -> Head:
        try:
            body = self.store.read(keys.head(self.session.channel_id, self.session.id)).body
        except ObjectNotFound:
            return self._new_head()
        return replace(decode_head(body), epoch=self.epoch)

    def _unnamed(self) -> int:
        """Give the first media sequence that no earlier worker of this session has used, by what live.m3u8 names."""
        try:
            text = self.store.read(keys.live_playlist(self.session.channel_id)).body.decode()
        except ObjectNotFound:
            return 0
        named = [int(number) for number in re.findall(rf"^{self.session.id}/(\d+)", text, re.MULTILINE)]
        return max(named) + 1 + UNNAMED if named else 0

    def _new_head(self) -> Head:
        session = self.session
        return Head(
            session_id=session.id,
            channel_id=session.channel_id,
            started_at=session.started_at,
            state=session.state,
            epoch=self.epoch,
        )

    async def _chunked(self, head: Head) -> list[Artifact]:
        """Give the entries of all chunks."""
        entries: list[Artifact] = []
        for reference in head.chunks:
            try:
                body = (self.folder / reference.key.rpartition("/")[2]).read_bytes()
                entries += decode_chunk(body)
            except (OSError, ValueError, KeyError):
                stored = await self.patience.blocking(partial(self.store.read, reference.key))
                entries += decode_chunk(stored.body)
        return entries


def merge(head: Head, leftovers: Leftovers, known: Iterable[str]) -> Head:
    """Add what the ledger knows and the head, written every few seconds, does not; `known` are all its keys."""
    listed = set(known)
    for entry in leftovers.shipped:
        if entry.key not in listed:
            head = head.with_artifact(entry)
            listed.add(entry.key)
    for gap in leftovers.gaps:
        if gap not in head.gaps:
            head = head.with_gap(gap)
    numbers = {part.number for part in head.parts}
    for part in leftovers.parts.values():
        if part.number not in numbers:
            began = times.utc(part.anchor + part.first)
            head = replace(head, parts=(*head.parts, Part(number=part.number, started_at=began)))
    return replace(head, parts=tuple(_ended(part, leftovers) for part in head.parts))


def _ended(part: Part, leftovers: Leftovers) -> Part:
    at = leftovers.ended.get(part.number)
    return part if part.ended_at is not None or at is None else replace(part, ended_at=at)


def without(head: Head, leftovers: Leftovers, entries: Iterable[Artifact]) -> Head:
    """Declare what a file would have held that is neither in the spool any more nor in the manifest."""
    listed: dict[tuple[Kind, int], list[datetime]] = {}
    for entry in entries:
        listed.setdefault((entry.kind, entry.part), []).append(entry.captured_at)
    for waiting in leftovers.gone:
        file = waiting.file
        start, end = times.utc(waiting.anchor + file.start), times.utc(waiting.anchor + file.end)
        moments = listed.get((file.kind, waiting.part), ())
        if end > start and not any(abs(moment - start) < SAME_FILE for moment in moments):
            log.warning("file_gone", file=file.path.name)
            head = head.with_gap(
                Gap(started_at=start, ended_at=end, outputs=(OUTPUTS[file.kind],), cause="store_dropped")
            )
    return head


def loose_end(head: Head, leftovers: Leftovers, entries: Iterable[Artifact]) -> LooseEnd | None:
    """Give the end of the last part, by what lies here or is listed; None where that ended, or there is none."""
    if not head.parts:
        return None
    last, known = head.parts[-1], leftovers.loose
    if known is not None and known.number == last.number and (last.ended_at is None or known.files):
        return known
    if last.ended_at is not None or (known is not None and known.number == last.number):
        return None
    listed = _listed_ends(entries, last.number)
    return LooseEnd(number=last.number, anchor=0.0, began=last.started_at.timestamp(), ends=listed)


def ended(head: Head, leftovers: Leftovers, entries: Iterable[Artifact], loose: LooseEnd | None = None) -> Head:
    """End earlier parts that stayed open, as the ledger says or what is listed, and declare what one output lacks.

    The `loose` end of the last one is left as it is.
    """
    reach = _listed_reach(entries)
    parts: list[Part] = []
    for part in head.parts:
        known = leftovers.parts.get(part.number)
        ends = reach.get(part.number, {}) if known is None else known.saved()
        if loose is not None and part.number == loose.number:
            part = replace(part, ended_at=None)  # noqa: PLW2901 - it goes on as the open one
        elif part.ended_at is None:
            end, gaps = cut_off(ends, "worker_lost") if ends else (part.started_at, [])
            for gap in gaps:
                head = head.with_gap(gap)
            part = replace(part, ended_at=end)  # noqa: PLW2901 - it goes on as the ended one
        parts.append(part)
    return replace(head, parts=tuple(parts))


def _listed_reach(entries: Iterable[Artifact]) -> dict[int, dict[str, datetime]]:
    """Give until when there are files of each output by the manifest, for each part."""
    reach: dict[int, dict[str, datetime]] = {}
    for entry in entries:
        if entry.kind is not Kind.SNAPSHOT:
            ends, output = reach.setdefault(entry.part, {}), OUTPUTS[entry.kind]
            end = entry.captured_at + timedelta(seconds=entry.seconds or 0.0)
            ends[output] = max(ends.get(output, end), end)
    return reach


def _listed_ends(entries: Iterable[Artifact], part: int) -> dict[Kind, float]:
    """Give until when there are files of each kind of a part by the manifest (epoch s)."""
    ends: dict[Kind, float] = {}
    for entry in entries:
        if entry.part == part:
            ends[entry.kind] = max(ends.get(entry.kind, 0.0), entry.captured_at.timestamp() + entry.seconds)
    return ends
