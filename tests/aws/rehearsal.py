"""Runs the deploy program as setup.sh does, against one local endpoint and with a stand-in for docker on PATH.

What it prints is kept as a transcript, which `pytest -s` shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.aws.templates import ROOT
from tests.doubles import docker
from tests.doubles.aws_front import AwsFront
from tests.emulators import CREDENTIALS

DEADLINE_SECONDS = 60
_CLEAN = ("AWS_", "STREAMKEEP_", "DOCKER_")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended, and what it said on standard output and standard error together."""

    code: int
    said: str


@dataclass
class Rehearsal:
    """An account on the emulator, and a machine to deploy from."""

    front: AwsFront
    folder: Path
    transcript: list[str] = field(default_factory=list)

    def run(self, *argv: str, typed: str = "", **variables: str) -> Ended:
        """Run the program to its end."""
        process = self._start(*argv, **variables)
        said, _ = process.communicate(typed, timeout=DEADLINE_SECONDS)
        self.transcript += [f"$ ./setup.sh {' '.join(argv)}", said, f"[exit {process.returncode}]", ""]
        return Ended(process.returncode, said)

    def kill_at(self, mark: str, *argv: str) -> None:
        """Run the program and kill it at the first line that has the mark."""
        process = self._start(*argv)
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if mark in line:
                break
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)
        assert mark in said[-1], "".join(said)
        self.transcript += [f"$ ./setup.sh {' '.join(argv)}", "".join(said), "[killed]", ""]

    def calls(self) -> list[list[str]]:
        """Give what docker was asked for so far."""
        log = self.folder / "docker.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def pushes(self) -> list[str]:
        """Give the images that were pushed so far."""
        return [words[1] for words in self.calls() if words[0] == "push"]

    def outputs(self, stack: str) -> dict[str, str]:
        """Give what a stack says of what it made, nothing if there is none."""
        found = [
            each for each in self.client("cloudformation").describe_stacks()["Stacks"] if each["StackName"] == stack
        ]
        return {each["OutputKey"]: each["OutputValue"] for one in found for each in one.get("Outputs", [])}

    def stacks(self) -> dict[str, str]:
        """Give the state of every stack that is there, nested ones not among them."""
        found = self.client("cloudformation").describe_stacks()["Stacks"]
        return {each["StackName"]: each["StackStatus"] for each in found if "ParentId" not in each}

    def client(self, service: str) -> Any:  # noqa: ANN401 - as boto3 has it
        """Give a client of the emulator."""
        return self.front.client(service)

    def _start(self, *argv: str, **variables: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_CLEAN)}
        machine = {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.front.url,
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
            "DOCKER_LOG": str(self.folder / "docker.log"),
            "PATH": f"{self.folder / 'bin'}:{clean['PATH']}",
        }
        given = {name: value for name, value in {**clean, **machine, **variables}.items() if value}
        return subprocess.Popen(
            [sys.executable, "-m", "services.deploy", *argv],
            env=given,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@contextmanager
def rehearsal(endpoint: str, folder: Path) -> Iterator[Rehearsal]:
    """Give an account and a machine; print what was done there at the end."""
    docker.install(folder / "bin")
    with AwsFront(endpoint) as front:
        rehearsing = Rehearsal(front, folder)
        yield rehearsing
    text = "\n".join(rehearsing.transcript)
    (folder / "transcript.txt").write_text(text)
    print(f"\n{text}\ntranscript: {folder / 'transcript.txt'}")
