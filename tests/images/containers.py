"""Containers of the built images, run as strictly as Fargate can: only /spool is written to, no capability is left."""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from tests.images.cgroup import Cgroup
from tests.waiting import eventually

START_SECONDS = 15.0
NEVER_FETCHED = "--pull=never"
"""So that no image of a stranger's is run that a registry has by the name of one that was not built here."""

_LIMITS = ("--ulimit=nofile=16384:16384", "--ulimit=nproc=4096:4096")


def tag(image: str) -> str:
    """Give the name that ./setup.sh images gave the newest of a kind."""
    return f"streamkeep-{image}:latest"


@functools.cache
def engine() -> tuple[str, ...]:
    """Give the words that run a container of what was built; inside another container runc does where crun does not."""
    built_by = os.environ.get("TRIAL_ENGINE", "").replace("buildah", "podman")  # they keep their images in one place
    for words in (("podman",), ("podman", "--runtime=runc"), ("docker",)):
        if built_by in ("", words[0]) and shutil.which(words[0]) and _works(words):
            return words
    message = "no container runs here: needs podman (with runc or crun) or docker, and ./setup.sh images before"
    raise AssertionError(message)


def _works(words: tuple[str, ...]) -> bool:
    argv = [*words, "run", "--rm", NEVER_FETCHED, "--network=host", *_LIMITS, "--entrypoint=true", tag("services")]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


@dataclass(kw_only=True)
class Container:
    """One container, from `with` to its end; `log` is all that it wrote."""

    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    folder: Path
    name: str = field(default_factory=lambda: f"streamkeep-trial-{secrets.token_hex(4)}")
    process: subprocess.Popen[bytes] | None = None

    def argv(self) -> list[str]:
        """Give the command that runs it in the foreground; its environment is read from that of the command."""
        words = engine()
        tmpfs = () if words[0] == "docker" else ("--read-only-tmpfs=false",)
        return [
            *words, "run", "--rm", NEVER_FETCHED, f"--name={self.name}", "--network=host", *_LIMITS,
            "--read-only", *tmpfs, "--cap-drop=ALL", "--security-opt=no-new-privileges", *self.options,
            *(f"--env={name}" for name in self.environment), tag(self.image), *self.command,
        ]  # fmt: skip

    def logged_argv(self) -> list[str]:
        """Give the command that does so and keeps what it writes."""
        return ["sh", "-c", 'exec "$@" >"$0" 2>&1', str(self._log_path), *self.argv()]

    def __enter__(self) -> Self:
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(self.logged_argv(), env=environment, stdin=subprocess.DEVNULL)
        return self

    def kill(self) -> None:
        """End it, if it runs: whoever started it in the foreground and is killed leaves it behind."""
        subprocess.run([*engine(), "kill", self.name], capture_output=True, check=False)

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process is not None
        self.process.wait(START_SECONDS)

    @property
    def _log_path(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def inspected(self, what: str) -> str:
        """Give what the engine says of it, empty while it does not know it."""
        argv = [*engine(), "inspect", "--type=container", f"--format={{{{{what}}}}}", self.name]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()

    def pid(self) -> int:
        """Give the process that the container began with, as this machine numbers it, once it runs."""
        found = eventually(self._pid, within=START_SECONDS, what=f"{self.name} runs; {self.log}")
        assert found is not None
        return found

    def _pid(self) -> int | None:
        return int(self.inspected(".State.Pid") or 0) or None

    def began(self) -> float:
        """Give when its program was started, in seconds of the epoch."""
        self.pid()
        said: str = json.loads(self.inspected("json .State.StartedAt"))  # podman has a time there, docker text
        return datetime.fromisoformat(said).timestamp()

    def cgroup(self) -> Cgroup:
        """Give what it has used so far."""
        return Cgroup.of(self.pid())

    def terminate(self) -> None:
        """Ask it to stop as ECS does: one SIGTERM to its first process."""
        subprocess.run([*engine(), "kill", "--signal=TERM", self.name], capture_output=True, check=True)

    def wait(self, within: float) -> int:
        """Wait for its end; give the exit code."""
        assert self.process is not None
        return self.process.wait(within)

    def run(self, *command: str) -> str:
        """Run one more program in it, and give what that writes."""
        argv = [*engine(), "exec", self.name, *command]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def output(image: str, *command: str, entrypoint: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Run a program in a container of its own, and give what it writes; fail if it does."""
    container = Container(
        image=image, command=command, folder=Path("/nonexistent"), environment=environment or {},
        options=(f"--entrypoint={entrypoint}",) if entrypoint else (),
    )  # fmt: skip
    ended = subprocess.run(
        container.argv(), env={**os.environ, **container.environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
