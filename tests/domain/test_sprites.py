from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.domain import sprites
from services.domain.playlist import Segment
from services.domain.sprites import TILES, Tile
from tests.examples import NOW


def _segment(after: float, seconds: float = 2.0, number: int = 0) -> Segment:
    return Segment(
        uri=f"{number:09d}.ts",
        seconds=seconds,
        program_date_time=NOW + timedelta(seconds=after),
        media_sequence=number,
        discontinuity_sequence=0,
    )


def _tile(after: float, place: int = 0, sheet: int = 0) -> Tile:
    return Tile(at=NOW + timedelta(seconds=after), sheet=sheet, place=place, width=160, height=90)


def _spans(text: str) -> list[str]:
    return [line for line in text.splitlines() if "-->" in line]


def test_a_tile_is_shown_from_its_own_time_on_until_the_next_one() -> None:
    text = sprites.render([_tile(0), _tile(5, 1)], [_segment(2.0 * n) for n in range(4)])

    assert text.startswith("WEBVTT\n\n")
    assert _spans(text) == ["00:00:00.000 --> 00:00:05.000", "00:00:05.000 --> 00:00:08.000"]
    assert "sprite-000000.jpg#xywh=160,0,160,90" in text


def test_time_runs_on_over_a_hole_as_a_player_sees_it() -> None:
    text = sprites.render([_tile(1), _tile(61, 1)], [_segment(0), _segment(60)])

    assert _spans(text) == ["00:00:01.000 --> 00:00:03.000", "00:00:03.000 --> 00:00:04.000"]


def test_a_tile_of_a_time_that_nobody_can_play_is_left_out() -> None:
    tiles = [_tile(-3), _tile(1, 1), _tile(30, 2), _tile(61, 3), _tile(90, 4)]

    text = sprites.render(tiles, [_segment(0), _segment(60)])

    assert [tile.place for tile in sprites.parse(text)] == [1, 3]


def test_places_go_by_rows() -> None:
    assert _tile(0, 9).payload.endswith("#xywh=1440,0,160,90")
    assert _tile(0, 10).payload.endswith("#xywh=0,90,160,90")
    assert _tile(0, TILES - 1, sheet=7).payload == "sprite-000007.jpg#xywh=1440,810,160,90"


@given(st.lists(st.tuples(st.integers(0, 86_400_000), st.integers(0, TILES - 1), st.integers(0, 99)), max_size=20))
def test_a_list_is_read_back_as_it_was_written(found: list[tuple[int, int, int]]) -> None:
    moments = sorted(found)
    tiles = [_tile(milliseconds / 1000, place, sheet) for milliseconds, place, sheet in moments]

    assert sprites.parse(sprites.render(tiles, [_segment(0, 86_401)])) == tiles


def test_a_tile_keeps_the_pictures_shape_in_even_pixels() -> None:
    assert sprites.tile_height(1920, 1080) == 90
    assert sprites.tile_height(1080, 1920) == 284
    assert sprites.tile_height(3840, 20) == 2


def test_the_first_tile_of_a_list_need_not_be_at_its_begin() -> None:
    assert _spans(sprites.render([_tile(1.5)], [_segment(0)])) == ["00:00:01.500 --> 00:00:02.000"]
