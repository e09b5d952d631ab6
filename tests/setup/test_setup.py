"""setup.sh where it must not do its work: what it says and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = (ROOT / "setup.sh", ROOT / ".ci" / "run")
NOBODY = 65534
DEADLINE_SECONDS = 60


def run(*argv: str, script: Path = SCRIPTS[0], **options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **options}
    return subprocess.run(
        [*_unprivileged(), "bash", str(script), *argv],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of what setup.sh reads, open to everybody and without a virtual environment."""
    for name in ("setup.sh", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    return tmp_path / "setup.sh"


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH of a machine with Python and without ffmpeg and sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "cat", "id", "sed", "tail", "mktemp", "rm", "setpriv", "apt-get", "env", "flock"):
        (folder / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return str(folder)


@pytest.mark.parametrize("argv", [(), ("deploys",), ("--demo",), ("loca",)])
def test_a_command_that_does_not_exist_is_answered_with_those_that_do(checkout: Path, argv: tuple[str, ...]) -> None:
    ended = run(*argv, script=checkout)

    assert ended.returncode == 2
    assert "local [--demo]" in ended.stderr
    assert all(name in ended.stderr for name in argv)
    assert ended.stdout == ""


@pytest.mark.parametrize("spelling", ["help", "--help", "-h"])
def test_help_is_shown_when_asked_for(checkout: Path, spelling: str) -> None:
    ended = run(spelling, script=checkout)

    assert ended.returncode == 0
    assert "usage: ./setup.sh COMMAND" in ended.stdout


@pytest.mark.parametrize("command", ["local", "test"])
def test_without_root_and_sudo_the_packages_to_install_are_named(checkout: Path, bare_path: str, command: str) -> None:
    ended = run(command, script=checkout, PATH=bare_path)

    assert ended.returncode == 1
    line = next(line for line in ended.stderr.splitlines() if "apt-get install" in line)
    assert line.split()[:4] == ["apt-get", "install", "-y", "--no-install-recommends"]
    assert "ffmpeg" in line.split()
    assert not (checkout.parent / ".venv").exists()


def test_only_what_is_missing_is_asked_for(checkout: Path, bare_path: str) -> None:
    for name in ("ffmpeg", "ffprobe"):
        (Path(bare_path) / name).symlink_to("/bin/true")
    (Path(bare_path) / "python3").unlink()

    ended = run("local", script=checkout, PATH=bare_path)

    assert "python3 python3-venv" in ended.stderr
    assert "ffmpeg" not in ended.stderr


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_going_to_aws_asks_for_python_alone(checkout: Path, bare_path: str, command: str) -> None:
    (Path(bare_path) / "python3").unlink()

    ended = run(command, script=checkout, PATH=bare_path)

    assert ended.returncode == 1
    line = next(line for line in ended.stderr.splitlines() if "apt-get install" in line)
    assert line.split()[4:] == ["python3", "python3-venv"]


def test_a_machine_without_apt_is_told_what_to_bring(checkout: Path, bare_path: str) -> None:
    (Path(bare_path) / "apt-get").unlink()

    ended = run("local", script=checkout, PATH=bare_path)

    assert ended.returncode == 1
    assert "not a Debian or Ubuntu machine" in ended.stderr


def test_the_scripts_are_clean_in_the_eyes_of_shellcheck() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"

    others = (ROOT / "docker" / "build-ffmpeg.sh", ROOT / "tests" / "images" / "base-from-debootstrap.sh")
    ended = subprocess.run([shellcheck, *SCRIPTS, *others], capture_output=True, text=True, check=False)

    assert ended.stdout == ""
    assert ended.returncode == 0


def test_the_locks_name_no_place_of_this_machine_and_hash_every_package() -> None:
    of_images = [f"docker/{image}/requirements.lock" for image in ("gateway", "services", "worker")]
    for name in ("requirements.lock", "requirements-test.lock", "requirements-npm.lock", *of_images):
        text = (ROOT / name).read_text()

        assert "://" not in text
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned)


@pytest.mark.parametrize("folder", ["services/metadata/console", "tests/peers"])
def test_the_npm_locks_name_no_place_and_hash_every_package(folder: str) -> None:
    text = (ROOT / folder / "package-lock.json").read_text()

    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert "://" not in text
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_the_test_lock_holds_the_versions_that_users_get() -> None:
    def versions(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}

    assert versions("requirements.lock") <= versions("requirements-test.lock")
