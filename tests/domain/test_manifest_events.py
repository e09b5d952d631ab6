"""Whatever arrives, in whatever order, a manifest lists each object once and counts it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.domain.artifact import Artifact, Kind
from services.domain.manifest import (
    CHUNK_ENTRIES,
    GAP_CAUSES,
    ChunkReference,
    Gap,
    Head,
    Part,
    counts,
    decode_chunk,
    decode_head,
    encode_chunk,
    encode_head,
)
from services.domain.session import SessionState
from tests.examples import NOW

OUTPUTS = ("snapshots", "recordings", "hls")


class ManifestEvents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Artifact] = []
        self.chunks: list[bytes] = []

    @initialize(epoch=st.integers(1, 9))
    def a_worker_begins(self, epoch: int) -> None:
        self.head = Head(
            session_id="session", channel_id="camera", started_at=NOW, state=SessionState.STARTING, epoch=epoch
        )

    @rule(kind=st.sampled_from(Kind), milliseconds=st.integers(0, 400_000), size=st.integers(0, 2**40))
    def an_object_arrives(self, kind: Kind, milliseconds: int, size: int) -> None:
        """In any order: what waited through an outage comes after what is newer."""
        number = len(self.arrived)
        entry = Artifact(
            kind=kind,
            key=f"{kind.value}s/camera/{number}",
            captured_at=NOW + timedelta(milliseconds=milliseconds),
            bytes=size,
            sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            part=len(self.head.parts),
            seconds=milliseconds / 1000,
            media_sequence=number if kind is Kind.SEGMENT else None,
            discontinuity_sequence=0 if kind is Kind.SEGMENT else None,
            width=320 if kind is Kind.SNAPSHOT else None,
            height=180 if kind is Kind.SNAPSHOT else None,
        )
        self.arrived.append(entry)
        self.head = self.head.with_artifact(entry)

    @precondition(lambda self: self.head.tail)
    @rule(earlier=st.booleans())
    def the_tail_becomes_a_chunk(self, earlier: bool) -> None:  # noqa: FBT001 - the case
        if not (earlier or self.head.chunk_is_due()):
            return
        body = encode_chunk("session", len(self.chunks), self.head.tail)
        entries = decode_chunk(body)
        moments = [entry.captured_at for entry in entries]
        self.chunks.append(body)
        self.head = self.head.with_chunk(
            ChunkReference(
                number=len(self.head.chunks),
                key=f"chunk-{len(self.head.chunks)}",
                started_at=min(moments),
                ended_at=max(moments),
                counts=counts(entries),
                sha256=hashlib.sha256(body).hexdigest(),
            )
        )
        assert not self.head.chunk_is_due()

    @rule(seconds=st.integers(1, 100), outputs=st.sets(st.sampled_from(OUTPUTS), min_size=1))
    def a_gap_is_declared(self, seconds: int, outputs: set[str]) -> None:
        ended_at = NOW + timedelta(seconds=seconds)
        gap = Gap(started_at=NOW, ended_at=ended_at, outputs=tuple(sorted(outputs)), cause=GAP_CAUSES[0])
        self.head = replace(self.head, gaps=(*self.head.gaps, gap))

    @rule()
    def a_part_begins(self) -> None:
        part = Part(number=len(self.head.parts), started_at=NOW)
        self.head = replace(self.head, parts=(*self.head.parts, part))

    @invariant()
    def every_object_is_listed_once_in_the_order_of_its_arrival(self) -> None:
        listed = [entry for body in self.chunks for entry in decode_chunk(body)] + list(self.head.tail)
        assert [entry.key for entry in listed] == [entry.key for entry in self.arrived]

    @invariant()
    def what_is_counted_is_what_is_there(self) -> None:
        assert {f"{kind.value}s": self.head.totals.get(f"{kind.value}s", 0) for kind in Kind} == counts(self.arrived)
        assert self.head.totals.get("bytes", 0) == sum(entry.bytes for entry in self.arrived)

    @invariant()
    def a_chunk_says_what_it_holds(self) -> None:
        for reference, body in zip(self.head.chunks, self.chunks, strict=True):
            assert reference.sha256 == hashlib.sha256(body).hexdigest()
            assert sum(reference.counts.values()) == len(decode_chunk(body))
            assert all(reference.started_at <= e.captured_at <= reference.ended_at for e in decode_chunk(body))

    @invariant()
    def a_tail_that_is_too_long_is_due(self) -> None:
        assert self.head.chunk_is_due() or len(self.head.tail) < CHUNK_ENTRIES

    @invariant()
    def its_bytes_are_all_of_it(self) -> None:
        assert decode_head(encode_head(self.head)) == self.head


TestManifestEvents = ManifestEvents.TestCase
