"""Writes into a JPEG when its picture was captured, and in which session: EXIF 2.32, as much of it as that takes."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

_IFD_POINTER, _VERSION, _DATE_TIME, _OFFSET_TIME, _COMMENT, _SUB_SECONDS, _UNIQUE_ID = (
    0x8769,
    0x9000,
    0x9003,
    0x9011,
    0x9286,
    0x9291,
    0xA420,
)
_ASCII, _LONG, _UNDEFINED = 2, 4, 7
_HEADER = b"MM\x00\x2a" + struct.pack(">L", 8)  # big-endian TIFF, whose first directory comes at once
_INLINE_BYTES = 4
_START, _APP0, _APP1 = b"\xff\xd8", b"\xff\xe0", b"\xff\xe1"

_Entry = tuple[int, int, bytes]


def stamped(jpeg: bytes, captured_at: datetime, unique_id: str, comment: str = "") -> bytes:
    """Give the JPEG with its capture time (UTC, milliseconds), the ASCII id of its session, and an ASCII comment."""
    content = b"Exif\x00\x00" + _tiff(captured_at.astimezone(UTC), unique_id, comment)
    segment = _APP1 + struct.pack(">H", len(content) + 2) + content
    at = len(_START)
    if jpeg[at : at + 2] == _APP0:  # JFIF wants to be first, and readers of EXIF look behind it
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg[:at] + segment + jpeg[at:]


def _tiff(moment: datetime, unique_id: str, comment: str) -> bytes:
    at = len(_HEADER) + len(_directory([(_IFD_POINTER, _LONG, bytes(4))], 0))
    facts = [
        (_VERSION, _UNDEFINED, b"0232"),
        (_DATE_TIME, _ASCII, _text(f"{moment:%Y:%m:%d %H:%M:%S}")),
        (_OFFSET_TIME, _ASCII, _text("+00:00")),
        *([(_COMMENT, _UNDEFINED, b"ASCII\x00\x00\x00" + comment.encode("ascii"))] if comment else []),
        (_SUB_SECONDS, _ASCII, _text(f"{moment.microsecond // 1000:03d}")),
        (_UNIQUE_ID, _ASCII, _text(unique_id)),
    ]
    pointer = [(_IFD_POINTER, _LONG, struct.pack(">L", at))]
    return _HEADER + _directory(pointer, len(_HEADER)) + _directory(facts, at)


def _text(value: str) -> bytes:
    return value.encode("ascii") + b"\x00"


def _directory(entries: list[_Entry], at: int) -> bytes:
    """Give a directory that begins `at` bytes into the TIFF, with what does not fit into its entries behind it."""
    fixed, more = struct.pack(">H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count = 1 if kind == _LONG else len(value)
        fixed += struct.pack(">HHL", tag, kind, count)
        if len(value) <= _INLINE_BYTES:
            fixed += value.ljust(_INLINE_BYTES, b"\x00")
        else:
            fixed += struct.pack(">L", behind + len(more))
            more += value + bytes(len(value) % 2)  # values begin at even places
    return fixed + struct.pack(">L", 0) + more
