"""A stand-in for docker on PATH: builds nothing, notes what it is asked for, and pushes an empty image to ECR.

An image's id is the digest of its Dockerfile and of the text in IMAGES_VERSION, so that a change is a new image. Each
line of DOCKER_LOG is one call, as JSON.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def install(folder: Path) -> Path:
    """Put the program, which is this file, into a folder for PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "docker"
    program.write_text(f"#!{sys.executable} -IS\n{Path(__file__).read_text()}")  # it starts in an instant so
    program.chmod(0o755)
    return folder


def main() -> None:
    """Do as docker does, as far as a deploy can tell."""
    words = sys.argv[1:]
    if words[0] == "login":
        assert sys.stdin.read(), "no password on standard input"
    with Path(os.environ["DOCKER_LOG"]).open("a") as log:
        log.write(json.dumps(words) + "\n")
    {"build": _build, "push": _push}.get(words[0], _nothing)(words)


def _nothing(_: list[str]) -> None:
    """Be glad: version, login, logout, tag."""


def _build(words: list[str]) -> None:
    dockerfile = Path(words[words.index("--file") + 1]).read_bytes()
    version = os.environ.get("IMAGES_VERSION", "1").encode()
    Path(words[words.index("--iidfile") + 1]).write_text(f"sha256:{hashlib.sha256(dockerfile + version).hexdigest()}")


def _push(words: list[str]) -> None:
    name, _, tag = words[1].rpartition(":")
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": f"sha256:{tag}"}})
    connection = http.client.HTTPConnection(urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc, timeout=10)
    place = f"/v2/{name.partition('/')[2]}/manifests/{tag}"
    connection.request("PUT", place, manifest, {"Content-Type": MANIFEST})
    answer = connection.getresponse()
    assert answer.status == http.HTTPStatus.CREATED, answer.read()


if __name__ == "__main__":
    main()
