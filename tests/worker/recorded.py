"""A clip as the gateway's recorder leaves it: files that begin at a keyframe, each with times from 0 on."""

from __future__ import annotations

from pathlib import Path

from services.worker.catching_up.flv import HEADER
from services.worker.catching_up.stretch import Listed
from tests.rtmp import VIDEO, Tag, read_flv

BEGAN_AT = 1_700_000_000.0
"""When the first packet arrived (epoch s)."""


def recorded(clip: Path, folder: Path, *, every: int = 5000, connection: str = "7") -> list[tuple[Listed, Path]]:
    """Cut a clip at the first keyframe after each `every` ms."""
    tags = read_flv(clip)
    headers = [tag for tag in tags if tag.is_header and tag.kind != 18]
    media = [tag for tag in tags if not tag.is_header and not (tag.kind == VIDEO and tag.body[1] == 2)]
    files: list[list[Tag]] = [[]]
    for tag in media:
        if tag.is_keyframe and files[-1] and tag.timestamp - files[-1][0].timestamp >= every:
            files.append([])
        files[-1].append(tag)
    folder.mkdir(parents=True, exist_ok=True)
    return [_file(headers, files, number, folder, connection) for number in range(len(files))]


def _file(
    headers: list[Tag], files: list[list[Tag]], number: int, folder: Path, connection: str
) -> tuple[Listed, Path]:
    tags, path = files[number], folder / f"camera-{connection}-{number}.flv"
    begin = tags[0].timestamp
    body = b"".join(_bytes(tag, 0) for tag in headers)
    body += b"".join(_bytes(tag, max(0, tag.timestamp - begin)) for tag in tags)
    path.write_bytes(HEADER + body)
    listed = Listed(
        name=path.name,
        bytes=path.stat().st_size,
        began_at=BEGAN_AT + begin / 1000,
        ended_at=BEGAN_AT + tags[-1].timestamp / 1000,
        connection=("local/boot", connection),
        step_ms=None if number == 0 else begin - files[number - 1][0].timestamp,
    )
    return listed, path


def _bytes(tag: Tag, time: int) -> bytes:
    head = bytes([tag.kind]) + len(tag.body).to_bytes(3) + (time & 0xFFFFFF).to_bytes(3)
    return head + bytes([time >> 24 & 0xFF, 0, 0, 0]) + tag.body + (11 + len(tag.body)).to_bytes(4)


def places(body: bytes) -> list[tuple[int, int]]:
    """Give the kind of each tag of a file and where it begins."""
    found, at = [], len(HEADER)
    while at < len(body):
        found.append((body[at], at))
        at += 15 + int.from_bytes(body[at + 1 : at + 4])
    return found
