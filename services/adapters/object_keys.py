"""Which keys can name an object, in any store."""

from __future__ import annotations

KEY_BYTES_MAX = 1_024  # as S3 has it
PART_BYTES_MAX = 255  # as file systems have it


def problem(key: str) -> str | None:
    """Say why `key` cannot name an object, or None if it can."""
    if not key.isprintable() or "\\" in key:
        return "a key has no control characters and no backslash"
    if len(key.encode(errors="replace")) > KEY_BYTES_MAX:
        return f"a key has at most {KEY_BYTES_MAX} bytes"
    parts = key.split("/")
    if any(part == "" or part.startswith(".") for part in parts):
        return "a key is relative, and its parts are neither empty nor begin with a dot"
    if any(len(part.encode(errors="replace")) > PART_BYTES_MAX for part in parts):
        return f"a part of a key has at most {PART_BYTES_MAX} bytes"
    return None
