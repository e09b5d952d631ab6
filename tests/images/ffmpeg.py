"""The image's ffmpeg on this machine: `python -m tests.images.ffmpeg` prints a folder to put first on PATH.

It lies in the virtual environment, from where the sandboxes let programs be run, and brings its libraries and loader.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.images.containers import NEVER_FETCHED, engine, tag

PROGRAMS = ("ffmpeg", "ffprobe")
FOLDER = Path(sys.prefix) / "share" / "streamkeep" / "image-ffmpeg"
_WANTED = ("lib64", "usr/lib64", "usr/local/lib", "usr/local/bin")


def unpack(folder: Path) -> Path:
    """Bring both programs of the worker's image to a folder, with what they need; give the one to put on PATH."""
    shutil.rmtree(folder, ignore_errors=True)
    root, programs = folder / "root", folder / "bin"
    for each in (root, programs):
        each.mkdir(parents=True)
    _export(root)
    libraries = [root / "usr/local/lib", root / "usr/lib" / sysconfig.get_config_var("MULTIARCH")]
    loader = next((root / "usr").glob("lib*/**/ld-linux-*.so.*"))
    for program in PROGRAMS:
        named = root / program  # a process is called as the file that was run: here that is the loader
        shutil.copy(loader, named)
        words = [
            str(named), "--argv0", program, "--library-path", ":".join(map(str, libraries)),
            str(root / "usr/local/bin" / program),
        ]  # fmt: skip
        script = programs / program
        script.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        script.chmod(0o755)
    return programs


def _export(root: Path) -> None:
    """Unpack the libraries and programs of the image."""
    made = subprocess.run(
        [*engine(), "create", NEVER_FETCHED, tag("worker")], capture_output=True, text=True, check=True
    )
    container = made.stdout.strip()
    try:
        with (
            subprocess.Popen([*engine(), "export", container], stdout=subprocess.PIPE) as exporting,
            tarfile.open(fileobj=exporting.stdout, mode="r|") as archive,
        ):
            multiarch = f"usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
            archive.extractall(root, members=_of(archive, (*_WANTED, multiarch)), filter="tar")
    finally:
        subprocess.run([*engine(), "rm", "--volumes", container], stdout=subprocess.DEVNULL, check=True)


def _of(archive: tarfile.TarFile, folders: tuple[str, ...]) -> Iterator[tarfile.TarInfo]:
    return (member for member in archive if member.name.startswith(folders))


if __name__ == "__main__":
    print(unpack(FOLDER))
