"""The picture program's arguments, as those who start it spell them."""

from __future__ import annotations

from pathlib import Path

from services.domain.capture import ImagePlan


def image_arguments(images: ImagePlan, folder: Path, session: str) -> list[str]:
    """Spell how pictures are to be taken, into `folder`."""
    arguments = ["--folder", str(folder), "--session", session, "--quality", str(images.quality)]
    if images.seconds is not None:
        arguments += ["--interval", str(images.seconds)]
    if images.sizes:
        arguments += ["--sizes", *map(str, images.sizes)]
    flags = {"--skip-unchanged": images.skip_unchanged, "--tiles": images.tiles}
    return arguments + [flag for flag, is_set in flags.items() if is_set]
