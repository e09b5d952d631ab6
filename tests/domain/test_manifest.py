from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import manifest
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import ChunkReference, Gap, Head, Part
from services.domain.session import Reason, SessionState
from tests.examples import NOW

MOMENTS = st.integers(0, 250_000_000_000_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
TEXTS = st.text(max_size=30)
COUNTS = st.integers(0, 10**12)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
ARTIFACTS = st.builds(
    Artifact,
    kind=st.sampled_from(Kind),
    key=TEXTS,
    captured_at=MOMENTS,
    bytes=COUNTS,
    sha256=DIGESTS,
    part=COUNTS,
    seconds=st.integers(0, 10_000_000).map(lambda milliseconds: milliseconds / 1000),
    width=st.none() | COUNTS,
    height=st.none() | COUNTS,
    media_sequence=st.none() | COUNTS,
    discontinuity_sequence=st.none() | COUNTS,
)
STREAMS = st.none() | st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=3)
HEADS = st.builds(
    Head,
    session_id=TEXTS,
    channel_id=TEXTS,
    started_at=MOMENTS,
    state=st.sampled_from(SessionState),
    epoch=COUNTS,
    state_reason=st.none() | st.builds(Reason, code=TEXTS, detail=TEXTS, since=MOMENTS),
    ended_at=st.none() | MOMENTS,
    target_duration=st.none() | st.integers(1, 60),
    parts=st.lists(
        st.builds(Part, number=COUNTS, started_at=MOMENTS, ended_at=st.none() | MOMENTS, video=STREAMS, audio=STREAMS),
        max_size=3,
    ).map(tuple),
    gaps=st.lists(
        st.builds(
            Gap,
            started_at=MOMENTS,
            ended_at=MOMENTS,
            outputs=st.lists(TEXTS, max_size=3).map(tuple),
            cause=st.sampled_from(manifest.GAP_CAUSES),
        ),
        max_size=3,
    ).map(tuple),
    chunks=st.lists(
        st.builds(
            ChunkReference,
            number=COUNTS,
            key=TEXTS,
            started_at=MOMENTS,
            ended_at=MOMENTS,
            counts=st.dictionaries(TEXTS, COUNTS, max_size=3),
            sha256=DIGESTS,
        ),
        max_size=3,
    ).map(tuple),
    tail=st.lists(ARTIFACTS, max_size=3).map(tuple),
    totals=st.dictionaries(TEXTS, COUNTS, max_size=3),
)


def a_head() -> Head:
    return Head(session_id="session", channel_id="camera", started_at=NOW, state=SessionState.LIVE, epoch=1)


def a_snapshot(number: int = 0, *, seconds_apart: float = 0.1) -> Artifact:
    return Artifact(
        kind=Kind.SNAPSHOT,
        key=f"snapshots/{number}",
        captured_at=NOW + timedelta(seconds=number * seconds_apart),
        bytes=1_000,
        sha256="0" * 64,
        part=0,
        width=640,
        height=360,
    )


@given(HEADS)
def test_a_head_comes_back_from_its_bytes(head: Head) -> None:
    assert manifest.decode_head(manifest.encode_head(head)) == head


@given(st.lists(ARTIFACTS, max_size=5))
def test_a_chunk_comes_back_from_its_bytes(entries: list[Artifact]) -> None:
    assert manifest.decode_chunk(manifest.encode_chunk("session", 3, entries)) == tuple(entries)


@pytest.mark.parametrize("schema", ["2", '"1"', "null"])
def test_a_head_of_another_schema_is_refused(schema: str) -> None:
    body = manifest.encode_head(a_head()).replace(b'"schema":1', f'"schema":{schema}'.encode())

    with pytest.raises(ValueError, match="manifest schema"):
        manifest.decode_head(body)


def test_an_entry_names_only_what_applies_to_its_kind() -> None:
    assert "media_sequence" not in manifest.entry_record(a_snapshot())


def test_parts_and_gaps_are_spelled_as_the_api_shows_them() -> None:
    part = Part(number=0, started_at=NOW, video={"codec": "h264"}, drift=0.00004)
    gap = Gap(started_at=NOW, ended_at=NOW, outputs=("recording",), cause="publisher_away")

    assert manifest.part_record(part) == {
        "n": 0,
        "from": "2026-11-20T10:00:00.000Z",
        "to": None,
        "video": {"codec": "h264"},
        "audio": None,
        "drift": 0.0,
    }
    assert manifest.gap_record(gap) == {
        "from": "2026-11-20T10:00:00.000Z",
        "to": "2026-11-20T10:00:00.000Z",
        "outputs": ["recording"],
        "cause": "publisher_away",
    }


def test_an_entry_counts_in_the_totals() -> None:
    head = a_head().with_artifact(a_snapshot(1)).with_artifact(a_snapshot(2))

    assert head.totals == {"snapshots": 2, "bytes": 2_000}


def test_a_head_made_earlier_keeps_its_totals() -> None:
    earlier = a_head().with_artifact(a_snapshot(1))

    earlier.with_artifact(a_snapshot(2))

    assert earlier.totals == {"snapshots": 1, "bytes": 1_000}


def test_entries_are_counted_by_kind() -> None:
    assert manifest.counts([a_snapshot(1), a_snapshot(2)]) == {"snapshots": 2, "recordings": 0, "segments": 0}


def test_a_chunk_is_due_when_the_tail_is_long_in_entries() -> None:
    head = a_head()
    for number in range(manifest.CHUNK_ENTRIES - 1):
        head = head.with_artifact(a_snapshot(number))

    assert not head.chunk_is_due()
    assert head.with_artifact(a_snapshot(manifest.CHUNK_ENTRIES)).chunk_is_due()


def test_a_chunk_is_due_when_the_tail_is_long_in_time() -> None:
    head = a_head().with_artifact(a_snapshot(0))

    assert not head.with_artifact(a_snapshot(119, seconds_apart=1)).chunk_is_due()
    assert head.with_artifact(a_snapshot(120, seconds_apart=1)).chunk_is_due()


def test_no_chunk_is_due_of_an_empty_tail() -> None:
    assert not a_head().chunk_is_due()


def test_a_chunk_that_is_named_takes_its_entries_out_of_the_tail_and_not_out_of_the_totals() -> None:
    head = a_head().with_artifact(a_snapshot(0))
    reference = ChunkReference(
        number=0, key="chunk", started_at=NOW, ended_at=NOW, counts={"snapshots": 1}, sha256="0" * 64
    )

    named = head.with_chunk(reference)

    assert (named.chunks, named.tail, named.totals) == ((reference,), (), head.totals)


def test_a_long_sessions_head_does_not_grow_with_its_entries() -> None:
    head = a_head()
    for number in range(10 * manifest.CHUNK_ENTRIES):
        head = head.with_artifact(a_snapshot(number))
        if head.chunk_is_due():
            head = head.with_chunk(
                ChunkReference(number=number, key="k", started_at=NOW, ended_at=NOW, counts={}, sha256="0" * 64)
            )

    record = json.loads(manifest.encode_head(head))
    assert (len(record["chunks"]), len(record["tail"])) == (10, 0)
    assert record["counts"]["snapshots"] == 10 * manifest.CHUNK_ENTRIES


def test_a_gap_has_a_cause_that_its_readers_know() -> None:
    with pytest.raises(ValueError, match="'weather' is no cause of a gap"):
        manifest.Gap(started_at=NOW, ended_at=NOW, outputs=("hls",), cause="weather")
