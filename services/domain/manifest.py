"""The manifest: what a session has in the store, as a small head and immutable chunks.

The head is rewritten in place and holds the entries not yet in a chunk (the open tail); a chunk is written
once. So the cost of an update does not grow with the session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from services.domain import times
from services.domain.artifact import OUTPUTS, Artifact, Kind, Rendition
from services.domain.records import reason_from_record, reason_record
from services.domain.session import Reason, SessionState

SCHEMA = 1
UNCHANGED = "unchanged"
"""What a head's totals call the pictures that were left out because they show nothing new."""
CHUNK_ENTRIES = 200
CHUNK_SPAN = timedelta(minutes=2)
TOUCHING = timedelta(seconds=0.3)
"""By how much two neighbouring files may seem to lie apart."""

GAP_CAUSES = (
    "publisher_away",
    "not_listening",
    "ffmpeg_lost",
    "worker_lost",
    "store_dropped",
    "disk_full",
    "undecodable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One unbroken run of media; `started_at` and `ended_at` by the media clock, `ended_at` None while it runs.

    `video` is `{codec, width, height}` and `audio` `{codec, sample_rate, channels}`, None where there is none. `drift`
    is how far the media clock has run ahead of time (s; negative: fallen behind) since the part began.
    """

    number: int
    started_at: datetime
    ended_at: datetime | None = None
    video: dict[str, Any] | None = None
    audio: dict[str, Any] | None = None
    drift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time of which the outputs named have nothing; `cause` is one of GAP_CAUSES."""

    started_at: datetime
    ended_at: datetime
    outputs: tuple[str, ...]
    cause: str

    def touches(self, other: Gap) -> bool:
        """Say whether another gap of the same outputs and cause goes on where this one ends, or the other way."""
        apart = max(self.started_at, other.started_at) - min(self.ended_at, other.ended_at)
        return (self.outputs, self.cause) == (other.outputs, other.cause) and apart <= TOUCHING

    def __post_init__(self) -> None:
        """Refuse a cause that no reader of the manifest knows."""
        if self.cause not in GAP_CAUSES:
            message = f"{self.cause!r} is no cause of a gap; known are {', '.join(GAP_CAUSES)}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReference:
    """A chunk as its head names it: the time its entries span and how many there are of each kind."""

    number: int
    key: str
    started_at: datetime
    ended_at: datetime
    counts: dict[str, int]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A keyframe of the newest part: when it was captured, by the part's clock, and what it is.

    By it a later worker finds the same place in what the gateway has kept.
    """

    part: int
    at: float
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A session's manifest head; `tail` holds the entries of no chunk yet, in the order they were shipped.

    `images` is the time from picture to picture, `{asked, achieved}` in seconds, once there were two. What is of a kind
    that `expired` names (snapshots, recordings, hls) is in the store no more, whatever chunks say.
    """

    session_id: str
    channel_id: str
    started_at: datetime
    state: SessionState
    epoch: int
    state_reason: Reason | None = None
    ended_at: datetime | None = None
    target_duration: int | None = None
    images: dict[str, float] | None = None
    parts: tuple[Part, ...] = ()
    gaps: tuple[Gap, ...] = ()
    chunks: tuple[ChunkReference, ...] = ()
    tail: tuple[Artifact, ...] = field(default=())
    totals: dict[str, int] = field(default_factory=dict)
    expired: tuple[str, ...] = ()
    mark: Mark | None = None

    def with_expired(self, kinds: Iterable[str]) -> Self:
        """Say that nothing of these kinds is in the store any more."""
        expired = tuple(sorted({*self.expired, *kinds}))
        tail = tuple(each for each in self.tail if OUTPUTS[each.kind] not in expired)
        return replace(self, expired=expired, tail=tail)

    def with_artifact(self, artifact: Artifact) -> Self:
        """Add an entry for an object that has arrived in the store."""
        totals = dict(self.totals)
        totals[_plural(artifact.kind)] = totals.get(_plural(artifact.kind), 0) + 1
        totals["bytes"] = totals.get("bytes", 0) + artifact.bytes
        return replace(self, tail=(*self.tail, artifact), totals=totals)

    def with_unchanged(self) -> Self:
        """Count a picture that was left out because it shows what the one before it shows: that is no gap."""
        return replace(self, totals=self.totals | {UNCHANGED: self.totals.get(UNCHANGED, 0) + 1})

    def with_gap(self, gap: Gap) -> Self:
        """Declare a missing time; what the store dropped is one gap with its neighbours, or the head grows for ever."""
        if gap.cause != "store_dropped":
            return replace(self, gaps=(*self.gaps, gap))
        near = [other for other in self.gaps if gap.touches(other)]
        whole = replace(
            gap,
            started_at=min(each.started_at for each in (gap, *near)),
            ended_at=max(each.ended_at for each in (gap, *near)),
        )
        return replace(self, gaps=(*(other for other in self.gaps if other not in near), whole))

    def chunk_is_due(self) -> bool:
        """Say whether the open tail should become a chunk."""
        if not self.tail:
            return False
        moments = [entry.captured_at for entry in self.tail]
        return len(self.tail) >= CHUNK_ENTRIES or max(moments) - min(moments) >= CHUNK_SPAN

    def with_chunk(self, reference: ChunkReference) -> Self:
        """Name a chunk that lies in the store and drop its entries from the tail."""
        return replace(self, chunks=(*self.chunks, reference), tail=())


def _plural(kind: Kind) -> str:
    return f"{kind.value}s"


def counts(entries: Sequence[Artifact]) -> dict[str, int]:
    """Count entries by kind: `{"snapshots": n, "recordings": n, "segments": n}`."""
    return {_plural(kind): sum(entry.kind is kind for entry in entries) for kind in Kind}


def entry_record(entry: Artifact) -> dict[str, Any]:
    """Give an entry as JSON; what does not apply to its kind is absent."""
    record = {
        "kind": entry.kind.value,
        "key": entry.key,
        "captured_at": times.text(entry.captured_at),
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "part": entry.part,
        "seconds": round(entry.seconds, 3),
        "width": entry.width,
        "height": entry.height,
        "flags": list(entry.flags) or None,
        "phash": entry.phash,
        "sizes": [asdict(size) for size in entry.sizes] or None,
        "media_sequence": entry.media_sequence,
        "discontinuity_sequence": entry.discontinuity_sequence,
    }
    return {name: value for name, value in record.items() if value is not None}


def entry_from_record(record: dict[str, Any]) -> Artifact:
    """Read an entry back."""
    return Artifact(
        **{
            **record,
            "kind": Kind(record["kind"]),
            "captured_at": times.parse(record["captured_at"]),
            "flags": tuple(record.get("flags", ())),
            "sizes": tuple(Rendition(**size) for size in record.get("sizes", ())),
        }
    )


def _moment(value: str | None) -> datetime | None:
    return None if value is None else times.parse(value)


def _spelled(moment: datetime | None) -> str | None:
    return None if moment is None else times.text(moment)


def part_record(part: Part) -> dict[str, Any]:
    """Give a part as the API and the manifest show it."""
    return {
        "n": part.number,
        "from": times.text(part.started_at),
        "to": _spelled(part.ended_at),
        "video": part.video,
        "audio": part.audio,
        "drift": round(part.drift, 3),
    }


def gap_record(gap: Gap) -> dict[str, Any]:
    """Give a gap as the API and the manifest show it."""
    return {
        "from": times.text(gap.started_at),
        "to": times.text(gap.ended_at),
        "outputs": list(gap.outputs),
        "cause": gap.cause,
    }


def gap_from_record(record: dict[str, Any]) -> Gap:
    """Read a gap back."""
    return Gap(
        started_at=times.parse(record["from"]),
        ended_at=times.parse(record["to"]),
        outputs=tuple(record["outputs"]),
        cause=record["cause"],
    )


def encode_head(head: Head) -> bytes:
    """Give the bytes of head.json."""
    record = {
        "schema": SCHEMA,
        "id": head.session_id,
        "channel_id": head.channel_id,
        "epoch": head.epoch,
        "state": head.state.value,
        "state_reason": reason_record(head.state_reason),
        "started_at": times.text(head.started_at),
        "ended_at": _spelled(head.ended_at),
        "target_duration": head.target_duration,
        "images": head.images,
        "parts": [part_record(part) for part in head.parts],
        "gaps": [gap_record(gap) for gap in head.gaps],
        "counts": head.totals,
        "chunks": [
            {
                "n": reference.number,
                "key": reference.key,
                "from": times.text(reference.started_at),
                "to": times.text(reference.ended_at),
                "counts": reference.counts,
                "sha256": reference.sha256,
            }
            for reference in head.chunks
        ],
        "tail": [entry_record(entry) for entry in head.tail],
        **({"expired": list(head.expired)} if head.expired else {}),
        **({"mark": asdict(head.mark)} if head.mark is not None else {}),
    }
    return json.dumps(record, separators=(",", ":")).encode()


def decode_head(body: bytes) -> Head:
    """Read head.json back; raise ValueError for a schema this code does not know."""
    record = json.loads(body)
    if record.get("schema") != SCHEMA:
        message = f"manifest schema {record.get('schema')!r} is not {SCHEMA}"
        raise ValueError(message)
    return Head(
        session_id=record["id"],
        channel_id=record["channel_id"],
        epoch=record["epoch"],
        state=SessionState(record["state"]),
        state_reason=reason_from_record(record["state_reason"]),
        started_at=times.parse(record["started_at"]),
        ended_at=_moment(record["ended_at"]),
        target_duration=record["target_duration"],
        images=record.get("images"),
        parts=tuple(
            Part(
                number=part["n"],
                started_at=times.parse(part["from"]),
                ended_at=_moment(part["to"]),
                video=part["video"],
                audio=part["audio"],
                drift=part.get("drift", 0.0),
            )
            for part in record["parts"]
        ),
        gaps=tuple(gap_from_record(gap) for gap in record["gaps"]),
        chunks=tuple(
            ChunkReference(
                number=reference["n"],
                key=reference["key"],
                started_at=times.parse(reference["from"]),
                ended_at=times.parse(reference["to"]),
                counts=reference["counts"],
                sha256=reference["sha256"],
            )
            for reference in record["chunks"]
        ),
        tail=tuple(entry_from_record(entry) for entry in record["tail"]),
        totals=record["counts"],
        expired=tuple(record.get("expired", ())),
        mark=Mark(**record["mark"]) if "mark" in record else None,
    )


def encode_chunk(session_id: str, number: int, entries: Sequence[Artifact]) -> bytes:
    """Give the bytes of a chunk."""
    record = {
        "schema": SCHEMA,
        "id": session_id,
        "n": number,
        "entries": [entry_record(entry) for entry in entries],
    }
    return json.dumps(record, separators=(",", ":")).encode()


def decode_chunk(body: bytes) -> tuple[Artifact, ...]:
    """Read a chunk's entries back."""
    return tuple(entry_from_record(entry) for entry in json.loads(body)["entries"])
