from __future__ import annotations

from typing import Any

from services.domain.channel import NUMBERS
from tests.metadata.running import Running

ROUTES = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/channels": {"get", "post"},
    "/channels/{channel_id}": {"get", "put", "patch", "delete"},
    "/channels/{channel_id}/key": {"post"},
    "/channels/{channel_id}/stop": {"post"},
    "/channels/{channel_id}/unblock": {"post"},
    "/channels/{channel_id}/complete": {"post"},
    "/channels/{channel_id}/start": {"post"},
    "/channels/{channel_id}/sessions": {"get"},
    "/snapshots": {"post"},
    "/channels/{channel_id}/snapshots": {"get", "post"},
    "/channels/{channel_id}/snapshots/latest": {"get"},
    "/channels/{channel_id}/recordings": {"get"},
    "/sessions": {"get"},
    "/sessions/{session_id}": {"get", "delete"},
    "/sessions/{session_id}/hold": {"put", "delete"},
    "/dead-letters": {"get"},
    "/dead-letters/replay": {"post"},
    "/dead-letters/{letter_id}": {"get", "delete"},
    "/dead-letters/{letter_id}/replay": {"post"},
    "/p/{token}/{key}": {"get"},
    "/videostream": {"get", "post"},
    "/videostream/{channel_id}": {"get", "put", "delete"},
}


def document(service: Running) -> dict[str, Any]:
    return dict(service.anonymous.get("/openapi.json").raise_for_status().json())


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_document_lists_the_routes_that_exist_and_no_other(service: Running) -> None:
    assert {path: set(operations) for path, operations in document(service)["paths"].items()} == ROUTES


def test_every_reference_in_the_document_leads_somewhere(service: Running) -> None:
    described = document(service)
    schemas = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}

    assert references(described) <= schemas


def test_every_answer_that_is_an_error_is_described_as_a_problem(service: Running) -> None:
    for operations in document(service)["paths"].values():
        for operation in operations.values():
            errors = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
            assert {"422", "503"} <= set(errors)
            assert all(set(answer["content"]) == {"application/problem+json"} for answer in errors.values())


def test_every_number_is_described_with_its_range(service: Running) -> None:
    properties = document(service)["components"]["schemas"]["ChannelFields"]["properties"]

    for name, span in NUMBERS.items():
        number = properties[name]["anyOf"][0]
        assert (number["minimum"], number["maximum"], properties[name]["default"]) == (
            span.low,
            span.high,
            span.default,
        )
