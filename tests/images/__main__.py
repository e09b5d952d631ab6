"""Builds the images, and tries them: ./setup.sh images [--check] [--suite] [--no-registry | --base IMAGE] [NAME …]."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.deploy.engine import Engine, EngineFailed, NoEngine, find_engine
from services.deploy.images import build_all, chosen
from tests.images.ffmpeg import FOLDER, unpack

HERE = Path(__file__).parent
BASE = "localhost/streamkeep-base:trixie"
SUITE = ("tests/worker", "tests/puller", "tests/grabber", "tests/fault")
EXIT_CANNOT = 1


def main() -> None:
    """Do what the command line asks for, and end with 1 at the first thing that does not go well."""
    parser = argparse.ArgumentParser(prog="./setup.sh images", description=__doc__)
    parser.add_argument("--check", action="store_true", help="run them, with a worker's limits on Fargate")
    parser.add_argument("--suite", action="store_true", help=f"run {' '.join(SUITE)} with the worker image's ffmpeg")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--base", help="build on this image instead of the one that the Dockerfiles name")
    where.add_argument(
        "--no-registry", action="store_true", help="make the base here, by debootstrap (root; podman; not to publish)"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="services, gateway or worker; all if left out")
    arguments = parser.parse_args()
    names = chosen(parser, arguments.names)
    if arguments.check and arguments.names:
        parser.error("--check tries all images together: name none")
    try:
        engine = Engine("podman") if arguments.no_registry else find_engine()
        os.environ["TRIAL_ENGINE"] = engine.name  # with two of them on a machine, each has images of its own
        build_all(engine, names, base=_base_made_here() if arguments.no_registry else arguments.base)
        if arguments.check:
            _pytest(sorted(map(str, HERE.glob("trial_*.py"))), "-s", variables={})
        if arguments.suite:
            _pytest(SUITE, variables={"PATH": f"{unpack(FOLDER)}:{os.environ['PATH']}"})
    except (NoEngine, EngineFailed, FileNotFoundError) as error:
        print(f"setup.sh images: {error}", file=sys.stderr)
        raise SystemExit(EXIT_CANNOT) from None
    except subprocess.CalledProcessError:
        raise SystemExit(EXIT_CANNOT) from None


def _base_made_here() -> str:
    """Give a base made on this machine, now if it has none yet; what builds on it needs no namespaces of its own."""
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    if subprocess.run(["podman", "image", "exists", BASE], check=False).returncode:
        subprocess.run([HERE / "base-from-debootstrap.sh", BASE], stdout=sys.stderr, check=True)
    return BASE


def _pytest(paths: Sequence[str], *options: str, variables: Mapping[str, str]) -> None:
    argv = [sys.executable, "-m", "pytest", *options, *paths]
    with subprocess.Popen(argv, env={**os.environ, **variables}) as running:
        # A terminal tells pytest too, which then ends what it has started.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGINT, before)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, argv)


if __name__ == "__main__":
    main()
