"""Compares a picture with the frames of a clip."""

from __future__ import annotations

from pathlib import Path

from tests.media import RATE, Thumb, nearest, picture_thumbs, thumbs


class Frames:
    """A clip's frames, by which a picture is told."""

    def __init__(self, clip: Path, folder: Path) -> None:
        self._frames: list[Thumb] = thumbs(clip)
        self._folder = folder

    def seconds(self, jpeg: bytes) -> float:
        """Give when in the clip the frame that looks most like this picture is shown."""
        path = self._folder / "picture.jpg"
        path.write_bytes(jpeg)
        return nearest(picture_thumbs([path])[0], self._frames) / RATE
