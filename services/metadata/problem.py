"""Problem details (RFC 9457): the one form of every error answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from services.domain.errors import Conflict, InvalidInput, NotFound, StreamkeepError, Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 50  # an answer names no more fields than this
SPELLING_MAX = 100  # characters of a caller's spelling that are given back


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="The field or parameter, as the caller spelled it")
    problem: str = Field(description="What is accepted instead")


class ProblemDetails(BaseModel):
    """An error answer (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = "about:blank"
    title: str = Field(description="The status in words")
    status: int
    detail: str = Field(description="What is wrong, and what to do about it")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields to mend, with 422 and 503")


class Problem(Exception):
    """An answer that is not the one asked for."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`detail` says what is wrong and what to do; `errors` beyond ERRORS_MAX are left out."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)[:ERRORS_MAX]
        self.headers = dict(headers or {})

    @classmethod
    def invalid(cls, errors: Sequence[FieldProblem]) -> Problem:
        """Give the 422 that names each field."""
        said = "; ".join(f"{error.field}: {error.problem}" for error in errors[:5])
        return cls(HTTPStatus.UNPROCESSABLE_ENTITY, said, errors=errors)

    def response(self) -> JSONResponse:
        """Give the answer itself."""
        title = HTTPStatus(self.status).phrase
        details = ProblemDetails(title=title, status=self.status, detail=self.detail, errors=list(self.errors) or None)
        return JSONResponse(
            details.model_dump(exclude_none=True),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def field_problem(field: str, problem: str) -> FieldProblem:
    """Name a field as the caller spelled it, cut short where that is absurdly long."""
    return FieldProblem(field=field if len(field) <= SPELLING_MAX else f"{field[:SPELLING_MAX]}…", problem=problem)


def _of_ours(error: StreamkeepError, method: str) -> Problem:
    match error:
        case InvalidInput():
            return Problem.invalid([field_problem(error.field, error.problem)])
        case NotFound():
            return Problem(HTTPStatus.NOT_FOUND, type(error).__doc__ or "not found")
        case Conflict():
            return Problem(HTTPStatus.CONFLICT, "somebody else changed it at the same time; read it and try again")
        case Unavailable():
            log.warning("dependency_unavailable", error=str(error))
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{type(error).__doc__} {_after_silence(method)}",
                headers={"Retry-After": "1"},
            )
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong on our side")


def _after_silence(method: str) -> str:
    """Say what to do where it is not known how far the request came."""
    if method in ("GET", "HEAD"):
        return "Try again."
    return "It is not known whether anything was changed: look before you try again."


def _of_parameters(error: RequestValidationError) -> Problem:
    """Translate what FastAPI says of query parameters and headers."""
    return Problem.invalid([field_problem(str(each["loc"][-1]), str(each["msg"])) for each in error.errors()])


def _of_routing(error: HTTPException, scope: Scope, routes: Sequence[BaseRoute]) -> Problem:
    details = {
        HTTPStatus.NOT_FOUND: "there is no such route; /openapi.json lists those that exist",
        HTTPStatus.METHOD_NOT_ALLOWED: "this route does not take this method; the Allow header names those it takes",
    }
    detail = details.get(HTTPStatus(error.status_code), error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(scope, routes))  # the router's own names those of one route only
    return Problem(error.status_code, detail, headers=headers)


def _methods(scope: Scope, routes: Sequence[BaseRoute]) -> list[str]:
    """Give the methods that the routes at a request's path take."""
    matching = (route for route in routes if isinstance(route, Route) and route.matches(scope)[0] is Match.PARTIAL)
    return sorted(set().union(*(route.methods or () for route in matching)))


def answer_with_problems(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make `app`, which has these `routes`, answer every error as a problem; the unforeseen tells nothing."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException):
            return _of_routing(error, request.scope, routes).response()
        return _translated(error, request.method).response()

    for kind in (Problem, StreamkeepError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, ours)


def _translated(error: Exception, method: str) -> Problem:
    match error:
        case Problem():
            return error
        case StreamkeepError():
            return _of_ours(error, method)
        case RequestValidationError():
            return _of_parameters(error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong on our side")
