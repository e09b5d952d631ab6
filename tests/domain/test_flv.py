from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from services.domain import flv
from services.domain.flv import SOUND, VIDEO, Read

HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
SPECS = st.lists(
    st.tuples(st.sampled_from([8, 9, 18]), st.integers(0, 2**32 - 1), st.binary(max_size=40)), min_size=1, max_size=30
)
Spec = tuple[int, int, bytes]


def tag(kind: int, timestamp: int, body: bytes) -> bytes:
    moment = (timestamp & 0xFFFFFF).to_bytes(3, "big") + bytes([timestamp >> 24])
    head = bytes([kind]) + len(body).to_bytes(3, "big") + moment + bytes(3)
    return head + body + (11 + len(body)).to_bytes(4, "big")


def file_of(specs: list[Spec]) -> bytes:
    return HEADER + b"".join(tag(*each) for each in specs)


def reading(data: bytes) -> Read:
    return lambda at, size: data[max(at, 0) : at + size]


def told(tags: list[flv.Tag]) -> list[tuple[int, int, int]]:
    return [(each.kind, each.timestamp, each.size) for each in tags]


def expected(specs: list[Spec]) -> list[tuple[int, int, int]]:
    return [(kind, timestamp, len(body)) for kind, timestamp, body in specs]


@given(SPECS)
def test_a_file_reads_the_same_forwards_and_backwards(specs: list[Spec]) -> None:
    data = file_of(specs)
    forwards = list(flv.tags_from(reading(data)))
    backwards = list(flv.tags_before(reading(data), len(data)))

    assert told(forwards) == expected(specs)
    assert backwards == forwards[::-1]


@given(SPECS, st.data())
def test_of_a_file_that_is_cut_short_the_whole_tags_are_read(specs: list[Spec], data: st.DataObject) -> None:
    whole = file_of(specs)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    tags = list(flv.tags_from(reading(cut)))
    ends = [len(file_of(specs[: 1 + number])) for number in range(len(specs))]

    assert told(tags) == expected(specs[: sum(end <= len(cut) for end in ends)])


@given(SPECS, st.data())
def test_a_damaged_file_gives_no_tag_behind_the_damage_but_whole_ones_from_its_end(
    specs: list[Spec], data: st.DataObject
) -> None:
    whole = file_of(specs)
    at = data.draw(st.integers(flv.START, len(whole) - 1))
    damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
    for each in islice(flv.tags_from(reading(damaged)), 1000):
        assert flv.START <= each.at < each.end <= len(damaged)
    for each in islice(flv.tags_before(reading(damaged), len(damaged)), 1000):
        assert flv.START <= each.at < each.end <= len(damaged)


@given(st.binary(max_size=400))
def test_what_is_no_flv_ends_the_reading(noise: bytes) -> None:
    for each in (*flv.tags_from(reading(noise)), *flv.tags_before(reading(noise), len(noise))):
        assert each.end <= len(noise)


def test_of_each_tag_a_few_bytes_are_read_whatever_its_size() -> None:
    data = file_of([(VIDEO, 0, bytes(1_000_000))] * 3)
    sizes: list[int] = []

    def read(at: int, size: int) -> bytes:
        sizes.append(size)
        return data[at : at + size]

    assert len(list(flv.tags_from(read))) == 3
    assert len(list(flv.tags_before(read, len(data)))) == 3
    assert max(sizes) < 64


def test_headers_and_marks_are_told_from_media() -> None:
    bodies = {
        "avc header": (VIDEO, b"\x17\x00\x00\x00\x00", False, False),
        "avc keyframe": (VIDEO, b"\x17\x01\x00\x00\x00", True, True),
        "avc frame": (VIDEO, b"\x27\x01\x00\x00\x00", True, False),
        "avc end": (VIDEO, b"\x17\x02\x00\x00\x00", False, False),
        "sorenson keyframe": (VIDEO, b"\x12\x00\x00", True, True),
        "enhanced header": (VIDEO, b"\x90hvc1", False, False),
        "enhanced keyframe": (VIDEO, b"\x91hvc1", True, True),
        "enhanced frame": (VIDEO, b"\xa3hvc1", True, False),
        "aac header": (SOUND, b"\xaf\x00\x12\x08", False, False),
        "aac": (SOUND, b"\xaf\x01\x12\x08", True, False),
        "mp3": (SOUND, b"\x2f\xff\xfb", True, False),
        "nothing": (VIDEO, b"", False, False),
        "metadata": (18, b"\x02\x00", False, False),
    }
    for name, (kind, body, is_media, is_keyframe) in bodies.items():
        (found,) = flv.tags_from(reading(file_of([(kind, 0, body)])))
        assert (found.is_media, found.is_keyframe) == (is_media, is_keyframe), name


def test_an_aac_header_says_how_long_a_packet_lasts() -> None:
    def frame(config: bytes) -> float | None:
        (found,) = flv.tags_from(reading(file_of([(SOUND, 0, b"\xaf\x00" + config)])))
        return found.sound_frame

    assert frame(b"\x11\x90") == 1024 / 48
    assert frame(b"\x12\x10") == 1024 / 44.1
    assert frame(b"\x17\x80") is None
    assert frame(b"\x12") is None
