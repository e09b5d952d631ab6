"""If-Match (RFC 9110, 13.1.1): a change only of the version the caller has seen."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Header

from services.metadata.problem import Problem

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_LIST = re.compile(rf"\s*(?:{_TAG}\s*(?:,\s*)*)+")

IfMatch = Annotated[
    str | None,
    Header(description='Change only this version: ETags of answers, or *. A weak tag (W/"…") never matches.'),
]


def etag(version: int) -> str:
    """Give the entity tag of a version."""
    return f'"{version}"'


def require_match(if_match: str | None, version: int) -> None:
    """Raise a 412 Problem unless `version` is one the caller named, or the caller named none."""
    if if_match is None or if_match.strip() == "*":
        return
    if not _LIST.fullmatch(if_match):
        raise Problem(HTTPStatus.BAD_REQUEST, 'If-Match is * or a list of quoted tags, for example If-Match: "3"')
    if etag(version) not in re.findall(_TAG, if_match):
        raise Problem(
            HTTPStatus.PRECONDITION_FAILED, f"the channel is at version {etag(version)}; read it and try again"
        )
