"""The program that builds images: docker, podman or buildah, whichever is there and works."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK_BYTES = 1 << 20
GZIP_LEVEL = 6  # as docker and registries pack a layer
STANDARD_ERROR = 2

_TRIED = {
    # A docker client without an engine behind it is on many machines and builds nothing.
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Host.OS}}"),
    "buildah": ("info",),
}

# docker would wrap an image in an index with a statement of how it was made, which Lambda does not take.
_PLAIN = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


class NoEngine(Exception):
    """No program on this machine builds images."""


class EngineFailed(Exception):
    """The program could not do it; what it says went to standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """An image's bytes, as its layers are and as a registry holds and a task pulls them."""

    plain: int
    compressed: int


@dataclass(frozen=True, slots=True)
class Engine:
    """One of these programs; `name` is its command."""

    name: str

    @property
    def can_run(self) -> bool:
        """Say whether it runs containers as well."""
        return self.name != "buildah"

    def build(
        self, context: Path, dockerfile: Path, arguments: Sequence[tuple[str, str]] = (), *, platform: str | None = None
    ) -> str:
        """Build an image and give its id, `sha256:` before the digest of what it holds; raise EngineFailed.

        `platform` is what it shall run on, such as linux/arm64; this machine's kind where none is given.
        """
        given = [f"--build-arg={name}={value}" for name, value in arguments]
        given += [] if platform is None else [f"--platform={platform}"]
        # podman and buildah keep no layers for the next time unless asked.
        layers = [] if self.name == "docker" else ["--layers"]
        with tempfile.TemporaryDirectory() as scratch:
            written = Path(scratch, "id")
            self._do("build", *layers, *given, "--iidfile", str(written), "--file", str(dockerfile), str(context))
            digest = written.read_text().strip().removeprefix("sha256:")
        return f"sha256:{digest}"

    def tag(self, image: str, name: str) -> None:
        """Give an image one more name; raise EngineFailed."""
        self._do("tag", image.removeprefix("sha256:"), name)

    def push(self, name: str) -> None:
        """Send an image to the registry that its name begins with; raise EngineFailed."""
        self._do("push", name)

    def sign_in(self, registry: str, user: str, password: str) -> None:
        """Be known to a registry until `sign_out`; raise EngineFailed."""
        self._do("login", "--username", user, "--password-stdin", registry, typed=password)

    def sign_out(self, registry: str) -> None:
        """Forget what `sign_in` noted; raise EngineFailed."""
        self._do("logout", registry)

    def size(self, image: str) -> Size:
        """Measure an image; raise EngineFailed."""
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, "image.tar")
            name = image.removeprefix("sha256:")
            if self.name == "buildah":
                self._do("push", name, f"docker-archive:{archive}")
            else:
                self._do("save", "--output", str(archive), name)
            with archive.open("rb") as source, tempfile.TemporaryFile() as packed:
                _pack(source, packed)
                return Size(plain=archive.stat().st_size, compressed=packed.tell())

    def _do(self, *words: str, typed: str = "") -> None:
        # What it reports on the way is for people: standard output stays free for what we give.
        argv, environment = [self.name, *words], {**os.environ, **_PLAIN}
        ended = subprocess.run(argv, env=environment, input=typed.encode(), stdout=STANDARD_ERROR, check=False)
        if ended.returncode:
            raise EngineFailed(f"{self.name} {words[0]} ended with {ended.returncode}")


def _pack(source: IO[bytes], packed: IO[bytes]) -> None:
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as into:
        shutil.copyfileobj(source, into, CHUNK_BYTES)


def find_engine() -> Engine:
    """Give the first of docker, podman and buildah that works; raise NoEngine."""
    for name, question in _TRIED.items():
        if shutil.which(name) is None:
            continue
        asked = subprocess.run([name, *question], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if asked.returncode == 0:
            return Engine(name)
    raise NoEngine(
        "no image can be built: needs docker with its engine running, podman, or buildah; "
        "on Debian: apt-get install -y --no-install-recommends podman"
    )
