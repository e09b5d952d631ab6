"""A request's body as one JSON object."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn

from starlette.requests import Request

from services.metadata.problem import Problem

JsonObject = dict[str, Any]
DEPTH_MAX = 32  # levels; anything deeper is no channel


def _refuse(problem: str) -> NoReturn:
    raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not valid JSON: {problem}")


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("a number is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("an object names a field twice")
    return found


def parse(body: bytes) -> JsonObject:
    """Read one JSON object; raise a 400 Problem that says what is wrong."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair could never be answered or stored
        depth = _depth(value)
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except UnicodeError:
        _refuse("it is not UTF-8 text")
    except RecursionError:
        _refuse("it is nested too deeply")
    except ValueError:
        _refuse("a number has too many digits")
    if not isinstance(value, dict):
        _refuse('it must be an object, for example {"image_time": 5}')
    if depth > DEPTH_MAX:
        _refuse("it is nested too deeply")
    return value


def _depth(value: object) -> int:
    """Count levels; raise RecursionError for what is absurdly deep."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def json_object(
    *, optional: bool = False, any_type: bool = False
) -> Callable[[Request], Coroutine[Any, Any, JsonObject]]:
    """Give the dependency that reads the body.

    `optional` takes an empty body as `{}`; `any_type` reads JSON whatever the content type says.
    """

    async def read(request: Request) -> JsonObject:
        body = await request.body()
        if optional and not body:
            return {}
        if not any_type and not _is_json(request):
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON, with the header Content-Type: application/json"
            )
        return parse(body)

    return read
