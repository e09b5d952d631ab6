"""What the Dockerfiles promise, read from their text; that the images keep it is tried by ./setup.sh images --check."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMAGES = ("gateway", "services", "worker")
PROGRAMS = {
    "gateway": {"gateway", "puller"},
    "services": {"metadata", "dispatcher", "reconciler", "admin"},
    "worker": {"worker", "grabber"},
}


def instructions(image: str) -> list[tuple[str, str]]:
    text = (ROOT / "docker" / image / "Dockerfile").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


def of_the_last_stage(image: str, name: str) -> list[str]:
    found: list[str] = []
    for instruction, words in instructions(image):
        if instruction == "FROM":
            found = []
        elif instruction == name:
            found.append(words)
    return found


def lock(path: Path) -> dict[str, set[str]]:
    """Give each pinned package, with its version and marker, and its hashes."""
    found: dict[str, set[str]] = {}
    package = ""
    for line in path.read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            package = line.rstrip(" \\")
            found[package] = set()
        elif "--hash=" in line:
            found[package].add(line.split("--hash=")[1].rstrip(" \\"))
    return found


def test_all_are_built_on_one_base_that_is_pinned_by_digest() -> None:
    bases = {words for image in IMAGES for name, words in instructions(image) if name == "ARG"}
    stages = {words.split()[0] for image in IMAGES for name, words in instructions(image) if name == "FROM"}

    assert len(bases) == 1
    assert re.fullmatch(r"BASE=docker\.io/library/debian:[a-z0-9-]+@sha256:[0-9a-f]{64}", bases.pop())
    assert stages == {"${BASE}"}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_a_number_and_hears_signals_itself(image: str) -> None:
    (entrypoint,) = of_the_last_stage(image, "ENTRYPOINT")

    assert of_the_last_stage(image, "USER") == ["10001:10001"]
    assert of_the_last_stage(image, "VOLUME") == ["/spool"]
    assert json.loads(entrypoint)[:2] == ["python", "-m"]
    assert all(json.loads(command) for command in of_the_last_stage(image, "CMD"))


def test_what_every_image_has_is_made_alike() -> None:
    made = [
        [of_the_last_stage(image, name) for name in ("ENV", "WORKDIR")]
        + [words for name, words in instructions(image) if name == "RUN" and "compileall" in words]
        + [words.partition("&& apt-get clean")[2] for words in of_the_last_stage(image, "RUN")]
        for image in IMAGES
    ]

    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_its_own_programs_and_what_they_share(image: str) -> None:
    copied = {
        words.rpartition("/")[2] for name, words in instructions(image) if name == "COPY" and "services/" in words
    }

    assert copied - {"", "requirements.lock"} >= PROGRAMS[image] | {"domain", "adapters", "runtime"}
    assert not copied & set().union(*(PROGRAMS[other] for other in IMAGES if other != image))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_gets_the_packages_that_are_tested_by_the_same_hashes(image: str) -> None:
    whole, own = lock(ROOT / "requirements.lock"), lock(ROOT / "docker" / image / "requirements.lock")
    tested = {pin.partition("==")[0]: pin for pin in whole}

    assert own
    assert [pin for pin in own if tested.get(pin.partition("==")[0], pin) != pin] == []
    assert [pin for pin in own.keys() & whole.keys() if own[pin] != whole[pin]] == []
    assert image == "worker" or own.keys() <= whole.keys(), "the function's alone are in no other lock"


def test_a_builder_builds_ffmpeg_once_for_both() -> None:
    gateway, worker = (instructions(image)[: len(("ARG", "FROM", "COPY", "RUN"))] for image in ("gateway", "worker"))

    assert gateway == worker
    assert gateway[-1] == ("RUN", "/build-ffmpeg.sh")
