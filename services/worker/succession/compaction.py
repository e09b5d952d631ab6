"""Which lines of a ledger the next worker still needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def records(body: bytes) -> Iterator[Record]:
    """Give the lines of a ledger; one that a kill cut short is left out."""
    for line in body.split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        yield record


def told(lines: Iterable[Record]) -> int:
    """Count the lines of which the manifest tells as well: parts, gaps, and what was shipped or dropped."""
    return sum(map(_is_told, lines))


def kept(lines: list[Record], folder: Path, *, forget: int) -> list[Record]:
    """Give the lines that are still needed, in their order; `folder` is the session's in the spool.

    The first `forget` lines of which the manifest tells are in the stored one. Besides those after them, these are
    needed: what names a file that is still there, the last number given, the part that was the last one in the stored
    manifest, and of each part that is needed the last file of each kind, since ffmpeg's next one begins where it ends.
    """
    known = [number for number, line in enumerate(lines) if _is_told(line)]
    needed = set(known[forget:]) | {n for n, line in enumerate(lines) if _names_a_file(line, folder)}
    closed = {line["closed"]: number for number, line in enumerate(lines) if "closed" in line}
    needed |= {closed[lines[n]["prepared"]] for n in needed if lines[n].get("prepared") in closed}
    needed |= set([n for n, line in enumerate(lines) if _is_numbered(line)][-1:])
    needed |= set([n for n in known[:forget] if "anchor" in lines[n]][-1:])
    parts = {lines[number]["part"] for number in needed if "part" in lines[number]}
    last = {(line["part"], line["kind"]): n for n, line in enumerate(lines) if "closed" in line}
    needed |= {number for (part, _), number in last.items() if part in parts}
    needed |= {n for n, line in enumerate(lines) if "anchor" in line and line["part"] in parts}
    return [line for number, line in enumerate(lines) if number in needed]


def _is_told(line: Record) -> bool:
    return not line.keys().isdisjoint({"anchor", "shipped", "dropped", "declared", "ended"})


def _is_numbered(line: Record) -> bool:
    return "prepared" in line and any(piece["number"] is not None for piece in line["pieces"])


def _names_a_file(line: Record, folder: Path) -> bool:
    if "prepared" in line:
        return any((folder / piece["file"]).exists() for piece in line["pieces"])
    name = line.get("closed") or line.get("dropped") or line.get("file")
    return name is not None and (folder / name).exists()
