"""The route that takes one picture of any stream, no channel needed; nothing of it is kept."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema

from services.domain.grab import At, GrabbedPicture, NoPicture, TooBusy, Trouble
from services.domain.source import require_source
from services.metadata.accepting import PICTURE, wants_picture
from services.metadata.field_types import Number, whole
from services.metadata.json_body import JsonObject, json_object
from services.metadata.model_body import validated
from services.metadata.problem import MEDIA_TYPE, Problem, field_problem
from services.metadata.request_schemas import body_of
from services.metadata.wiring import Wired

router = APIRouter(tags=["media"])

AT_MAX = 7 * 24 * 3_600  # seconds
WIDTH_MIN, WIDTH_MAX = 16, 3840  # pixels
BUSY_SECONDS = 2
_STATUS = {
    Trouble.UNREADABLE: HTTPStatus.BAD_GATEWAY,
    Trouble.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Trouble.TOO_SLOW: HTTPStatus.GATEWAY_TIMEOUT,
    Trouble.OURS: HTTPStatus.SERVICE_UNAVAILABLE,
}


def _moment(value: Any) -> At:  # noqa: ANN401 - whatever JSON holds
    if value is None or value == "random":
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= AT_MAX:
        raise ValueError(f'must be seconds from 0 to {AT_MAX:,}, or "random"')
    return float(value)


_AT_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0, "maximum": AT_MAX}, {"const": "random"}, {"type": "null"}]}


class PictureOrder(BaseModel):
    """A source, and which picture of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    source_url: StrictStr = Field(description="rtmp, rtmps, rtsp, srt, http or https: a stream, an HLS list, a file")
    at: Annotated[float | Literal["random"] | None, BeforeValidator(_moment), WithJsonSchema(_AT_SCHEMA)] = Field(
        default=None,
        description="Seconds into it, or random; if left out, the newest of a live one, the first of another",
    )
    width: StrictInt | None = Field(default=None, ge=WIDTH_MIN, le=WIDTH_MAX, description="Pixels; never enlarged")


class PictureAnswer(BaseModel):
    """One picture of a source."""

    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")
    bytes: int
    sha256: str
    position: Number | None = Field(description="Seconds into the source; null where it has no beginning")
    captured_at: str | None = Field(description="As the source says; RFC 3339, UTC, milliseconds")
    content_type: str = PICTURE
    content: str = Field(description="The JPEG, base64")


def _problem(error: NoPicture) -> Problem:
    if error.kind is Trouble.REFUSED:
        return Problem.invalid([field_problem(error.field, str(error))])
    return Problem(_STATUS[error.kind], f"{error.field}: {error}")


def _view(picture: GrabbedPicture) -> PictureAnswer:
    return PictureAnswer(
        width=picture.width,
        height=picture.height,
        bytes=len(picture.body),
        sha256=hashlib.sha256(picture.body).hexdigest(),
        position=None if picture.position is None else whole(picture.position),
        captured_at=picture.captured_at,
        content=base64.b64encode(picture.body).decode(),
    )


_AS_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEMS = {
    429: "As many pictures as are taken at once are being taken; Retry-After says when to ask again",
    502: "The source cannot be read",
    504: "There was no picture within 8 s; `detail` says what was found",
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {PICTURE: {"schema": {"type": "string", "format": "binary"}}}},
    **{status: {"description": when, "content": _AS_PROBLEM} for status, when in _PROBLEMS.items()},
}


@router.post(
    "/snapshots",
    response_model=PictureAnswer,
    summary="One picture of any stream",
    openapi_extra=body_of("PictureOrder"),
    responses=_ANSWERS,
)
def grab_picture(
    wiring: Wired, body: Annotated[JsonObject, Depends(json_object())], accept: Annotated[str, Header()] = ""
) -> PictureAnswer | Response:
    """Give the picture with what is known of it or, with `Accept: image/jpeg`, itself; within 8 s, and kept nowhere."""
    order = validated(PictureOrder, body)
    require_source(order.source_url)
    try:
        picture = wiring.grabber.take(order.source_url, order.at, order.width)
    except NoPicture as error:
        raise _problem(error) from None
    except TooBusy as error:
        headers = {"Retry-After": str(BUSY_SECONDS)}
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, f"{error}; try again", headers=headers) from None
    if wants_picture(accept):
        return Response(picture.body, media_type=PICTURE, headers={"Cache-Control": "no-store", "Vary": "Accept"})
    return _view(picture)
