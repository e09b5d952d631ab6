"""Which program builds images, and what it is asked; the programs are stand-ins on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.deploy.engine import Engine, EngineFailed, NoEngine, find_engine
from services.deploy.images import Image, build

ID = "sha256:" + "0123456789ab" + "c" * 52

_STAND_IN = f"""#!/bin/sh
echo "$0 $*" >>"$(dirname "$0")/calls"
echo for people
while [ $# -gt 0 ]; do
  case $1 in
    version | info) exit {{status}} ;;
    --iidfile) printf %s {ID} >"$2" ;;
    --output) printf 1234 >"$2" ;;
    push) printf 1234 >"${{{{3#docker-archive:}}}}" ;;
    tag) exit {{tagging}} ;;
  esac
  shift
done
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that stands before a PATH without any such program."""
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(Path("/usr/bin") / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def stand_in(path: Path, name: str, *, status: int = 0, tagging: int = 0) -> None:
    (path / name).write_text(_STAND_IN.format(status=status, tagging=tagging))
    (path / name).chmod(0o755)


def calls(path: Path) -> list[str]:
    return (path / "calls").read_text().replace(f"{path}{os.sep}", "").splitlines()


def test_a_docker_client_without_its_engine_gives_way_to_podman(path: Path) -> None:
    stand_in(path, "docker", status=1)
    stand_in(path, "podman")

    assert find_engine() == Engine("podman")


def test_a_machine_without_any_is_told_what_to_install(path: Path) -> None:
    stand_in(path, "docker", status=1)

    with pytest.raises(NoEngine, match="apt-get install -y --no-install-recommends podman"):
        find_engine()


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_an_image_is_named_by_the_digest_of_what_it_holds(path: Path, engine: str) -> None:
    stand_in(path, engine)

    image = build(Engine(engine), "worker", base="localhost/base")

    digest = ID.removeprefix("sha256:")
    assert image == Image(name="worker", id=ID)
    assert image.tag == "streamkeep-worker:0123456789ab"
    assert f"{engine} tag {digest} streamkeep-worker:0123456789ab" in calls(path)
    assert f"{engine} tag {digest} streamkeep-worker:latest" in calls(path)
    assert "--build-arg=BASE=localhost/base" in calls(path)[0]


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_an_image_is_measured_as_it_is_and_as_a_registry_holds_it(path: Path, engine: str) -> None:
    stand_in(path, engine)

    size = Engine(engine).size(ID)

    assert size.plain == len("1234")
    assert size.compressed > 0


def test_what_an_engine_says_on_the_way_leaves_standard_output_alone(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(path, "podman")

    build(Engine("podman"), "worker")

    shown = capfd.readouterr()
    assert shown.out == ""
    assert "for people" in shown.err


def test_an_engine_that_fails_is_named_with_what_it_was_to_do(path: Path) -> None:
    stand_in(path, "podman", tagging=125)

    with pytest.raises(EngineFailed, match="podman tag ended with 125"):
        build(Engine("podman"), "worker")
