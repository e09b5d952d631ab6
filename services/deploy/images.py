"""Builds streamkeep's images: `python -m services.deploy.images [--base IMAGE] [NAME …]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.deploy.engine import Engine, EngineFailed, NoEngine, Size, find_engine

PROJECT = Path(__file__).resolve().parents[2]
NAMES = ("services", "gateway", "worker")
EXIT_CANNOT = 1
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image; `tag` names it by the digest of what it holds, `latest` as the newest of its kind."""

    name: str
    id: str

    @property
    def repository(self) -> str:
        """Its name without a tag."""
        return f"streamkeep-{self.name}"

    @property
    def tag(self) -> str:
        """What an unchanged image is called again, and a changed one never."""
        return f"{self.repository}:{self.id.removeprefix('sha256:')[:12]}"

    @property
    def latest(self) -> str:
        """What whoever tries it on this machine says."""
        return f"{self.repository}:latest"


def build(engine: Engine, name: str, *, base: str | None = None, platform: str | None = None) -> Image:
    """Build one image, on another base or for another platform if one is given, and tag it; raise EngineFailed."""
    arguments = [] if base is None else [("BASE", base)]
    built = engine.build(PROJECT, PROJECT / "docker" / name / "Dockerfile", arguments, platform=platform)
    image = Image(name=name, id=built)
    engine.tag(built, image.tag)
    engine.tag(built, image.latest)
    return image


def line(image: Image, size: Size) -> str:
    """Give what is said of an image."""
    return f"{image.tag}  {size.plain / MEGABYTE:6.1f} MB, compressed {size.compressed / MEGABYTE:6.1f} MB"


def build_all(engine: Engine, names: Sequence[str] = NAMES, *, base: str | None = None) -> None:
    """Build these and print their tags and sizes; raise EngineFailed."""
    for name in names:
        image = build(engine, name, base=base)
        print(line(image, engine.size(image.id)), flush=True)  # noqa: T201 - what was asked for


def chosen(parser: argparse.ArgumentParser, names: Sequence[str]) -> Sequence[str]:
    """Give the images that a command line names, all if it names none; end with exit code 2 if one does not exist."""
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"there is no image {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names or NAMES


def main() -> None:
    """Build what is asked for; exit 1 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m services.deploy.images", description=__doc__)
    parser.add_argument("--base", help="build on this image instead of the one that the Dockerfiles name")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}; all if left out")
    arguments = parser.parse_args()
    try:
        build_all(find_engine(), chosen(parser, arguments.names), base=arguments.base)
    except (NoEngine, EngineFailed) as error:
        print(f"images: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(EXIT_CANNOT) from None


if __name__ == "__main__":
    main()
