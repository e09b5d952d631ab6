"""The command line that lays tiles out on a sprite sheet."""

from __future__ import annotations

import ffmpeg

from services.domain.sprites import COLUMNS

QUALITY = 5  # mjpeg's scale: 2 the best, 31 the worst


def sheet_arguments(tiles: int) -> list[str]:
    """Give the argv that reads so many JPEGs of one size on standard input and writes the sheet to standard output."""
    rows = -(-tiles // COLUMNS)
    laid_out = ffmpeg.input("pipe:0", f="image2pipe", vcodec="mjpeg", threads=1).filter("tile", f"{COLUMNS}x{rows}")
    options = {"q:v": QUALITY, "threads": 1, "frames:v": 1}
    argv: list[str] = laid_out.output("pipe:1", f="image2pipe", vcodec="mjpeg", **options).compile(
        cmd=["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    )
    return argv
