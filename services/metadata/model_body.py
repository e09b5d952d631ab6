"""A JSON object as a model: what pydantic finds wrong, as a problem that names each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.metadata.problem import FieldProblem, Problem, field_problem

Model = TypeVar("Model", bound=BaseModel)

_WORDS = {
    "extra_forbidden": "unknown field",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "dict_type": 'must be a map of text to text, for example {{"team": "sport"}}',
    "string_too_long": "at most {max_length} characters",
    "too_long": "at most {max_length} entries",
}


def problems(error: ValidationError, spelled: Mapping[str, str]) -> list[FieldProblem]:
    """Name each field of a validation error; `spelled` gives the caller's spelling of a name."""
    return [_named(each, spelled) for each in error.errors(include_url=False, include_input=False)]


def validated(model: type[Model], body: Mapping[str, Any]) -> Model:
    """Read a body as a model; raise a 422 Problem."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Problem.invalid(problems(error, {})) from None


def _named(error: ErrorDetails, spelled: Mapping[str, str]) -> FieldProblem:
    name = str(error["loc"][0])
    name = spelled.get(name, name)
    context = error.get("ctx", {})
    if "error" in context:
        return field_problem(name, str(context["error"]))
    words = _WORDS.get(error["type"])
    return field_problem(name, error["msg"] if words is None else words.format(**context))
