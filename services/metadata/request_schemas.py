"""How OpenAPI describes the bodies that this service reads itself."""

from __future__ import annotations

from typing import Any

from services.metadata.channel_fields import ChannelFields
from services.metadata.spellings import NOT_BUILT, OLDER_OF

JsonObject = dict[str, Any]


def fields_schema() -> JsonObject:
    """Describe a body of `/channels`."""
    older = ", ".join(f"`{spelling}` for `{name}`" for name, spelling in OLDER_OF.items())
    said = f"Fields of a channel; what is left out takes its default. Older spellings are accepted as well: {older}."
    return ChannelFields.model_json_schema() | {"description": said}


def older_fields_schema() -> JsonObject:
    """Describe a body of `/videostream`: older names, and those of features that are not built yet."""
    schema = fields_schema()
    properties = {OLDER_OF.get(name, name): described for name, described in schema["properties"].items()}
    kept = {name: {"description": "Kept; not built yet."} for name in sorted(NOT_BUILT)}
    return {**schema, "title": "OlderChannelFields", "properties": properties | kept}


def body_of(component: str, *, required: bool = True) -> JsonObject:
    """Give the part of a route's description that names its JSON body's schema."""
    schema = {"$ref": f"#/components/schemas/{component}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}
