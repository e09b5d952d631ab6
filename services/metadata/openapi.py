"""The OpenAPI document: what the routes say, with the bodies read by hand, the problems and the token added."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.metadata.dead_letters import ReplayOrder
from services.metadata.grabbing import PictureOrder
from services.metadata.moderation import StopOrder
from services.metadata.problem import MEDIA_TYPE, ProblemDetails
from services.metadata.request_schemas import fields_schema, older_fields_schema
from services.metadata.sessions import HoldOrder
from services.metadata.snapshot_order import SnapshotOrder

VERSION = "0.1.0"
DESCRIPTION = """Channels, their sessions and what was kept of them.

Errors are `application/problem+json` (RFC 9457). Times are RFC 3339, UTC, milliseconds. Lists are
`{"items": […], "next": cursor or null}`, newest first."""

_ALWAYS = {"422": "Fields or parameters cannot be used; `errors` names each", "503": "A needed part does not answer"}
_WITH_TOKEN = {"401": "The token is missing or wrong"}
_WITH_PARAMETERS = {"404": "There is no such thing"}
_WITH_BODY = {
    "400": "The body is not a JSON object",
    "409": "It changed at the same time, again and again, or the channel is not ready for this; `detail` says which",
    "413": "The body is too long",
    "415": "The body is not declared as JSON",
}
_WITH_PRECONDITION = {"412": "If-Match names another version"}
_ON_LINKS = {"403": "The link is wrong or has expired", "416": "The range lies outside the object"}


def _problems(path: str, operation: dict[str, Any]) -> dict[str, str]:
    """Say which problems a route may answer with."""
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    found = dict(_ALWAYS)
    if operation.get("security") != []:
        found |= _WITH_TOKEN
    if "{" in path:
        found |= _WITH_PARAMETERS
    if "requestBody" in operation:
        found |= _WITH_BODY
    if "if-match" in parameters:
        found |= _WITH_PRECONDITION
    return found | (_ON_LINKS if path.startswith("/p/") else {})


def _describe_problems(document: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, when in _problems(path, operation).items():
                operation["responses"][status] = {"description": when, "content": content}


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title="streamkeep", version=VERSION, description=DESCRIPTION, routes=app.routes)
    _describe_problems(document)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    reference = "#/components/schemas/{model}"
    problem = ProblemDetails.model_json_schema(ref_template=reference)
    schemas |= problem.pop("$defs") | {"Problem": problem}
    schemas |= {"ChannelFields": fields_schema(), "OlderChannelFields": older_fields_schema()}
    schemas |= {
        each.__name__: each.model_json_schema(ref_template=reference)
        for each in (StopOrder, SnapshotOrder, PictureOrder, HoldOrder)
    }
    schemas |= {"ReplayOrder": ReplayOrder.model_json_schema(ref_template=reference)}
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    return document


def describe(app: FastAPI) -> None:
    """Make `app` give this document, built at the first request for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way to extend the document
