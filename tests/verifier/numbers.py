"""Reads the time that each frame of a numbered clip shows (tests/numbered.py paints it)."""

from __future__ import annotations

COLUMNS, ROWS = 8, 3
CHECK_BITS, CHECK_MODULUS = 5, 29
WORD_SHAPE = f"{COLUMNS}:{ROWS}"
_BITS = bytes(ord("1") if level >= 128 else ord("0") for level in range(256))


def read_words(gray: bytes) -> list[int | None]:
    """Read raw gray frames of 8 x 3 pixels: the tick of each, None where the check fails."""
    size = COLUMNS * ROWS
    bits = gray.translate(_BITS)
    return [_tick(int(bits[at : at + size], 2)) for at in range(0, len(bits) - size + 1, size)]


def _tick(word: int) -> int | None:
    tick, check = word >> CHECK_BITS, word & (1 << CHECK_BITS) - 1
    return tick if check == tick % CHECK_MODULUS + 1 else None
