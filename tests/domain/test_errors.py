from __future__ import annotations

import pytest

from services.domain import errors
from services.domain.errors import InvalidInput, PublishRefused, StreamkeepError

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, StreamkeepError)]
GROUPS = (
    errors.InvalidInput,
    errors.NotFound,
    errors.Conflict,
    errors.PublishRefused,
    errors.Unavailable,
    errors.SinkRefused,
)
PLAIN = [kind for kind in TREE if kind not in (InvalidInput, PublishRefused)]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_says_in_one_sentence_what_happened(kind: type[StreamkeepError]) -> None:
    assert kind.__doc__ is not None
    assert kind.__doc__.endswith(".")
    assert "\n" not in kind.__doc__


@pytest.mark.parametrize("kind", PLAIN)
def test_an_error_without_a_message_says_what_its_class_says(kind: type[StreamkeepError]) -> None:
    assert str(kind()) == kind.__doc__
    assert str(kind("more to the point")) == "more to the point"


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind is not StreamkeepError])
def test_every_error_is_in_a_group_that_says_what_to_do(kind: type[StreamkeepError]) -> None:
    assert sum(issubclass(kind, group) for group in GROUPS) == 1


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_drawn_in_the_tree_of_the_module(kind: type[StreamkeepError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "").replace(",", " ").split()


def test_an_invalid_input_names_its_field() -> None:
    error = InvalidInput("image_time", "must be 0.5 to 86400 seconds")

    assert (str(error), error.field) == ("image_time: must be 0.5 to 86400 seconds", "image_time")


def test_a_refusal_has_a_code_for_programs_and_a_sentence_for_people() -> None:
    error = PublishRefused("on_air", "another publisher is on air")

    assert (str(error), error.code) == ("another publisher is on air", "on_air")
