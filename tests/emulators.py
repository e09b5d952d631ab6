"""Other people's servers that speak AWS's protocols, each started at most once per run of pytest."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.gateway.nginx_process import free_ports
from tests.waiting import eventually

START_SECONDS = 30.0
STOP_SECONDS = 10.0

CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a client needs besides an endpoint."""

DYNOXIDE = Path(sys.prefix) / "share/streamkeep/peers/node_modules/@dynoxide/linux-x64/dynoxide"


def _moto(port: int, _: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "tests.doubles.moto_in_turn", str(port)], {}


def _ministack(port: int, home: Path) -> tuple[list[str], dict[str, str]]:
    variables = {
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    server = [sys.executable, "-m", "hypercorn", "--workers", "0", "--bind", f"127.0.0.1:{port}", "--keep-alive", "75"]
    return [*server, "tests.doubles.whole_ministack:app"], variables


def _dynoxide(port: int, home: Path) -> tuple[list[str], dict[str, str]]:
    return [str(DYNOXIDE), "--host", "127.0.0.1", "--port", str(port), "--db-path", str(home / "state.sqlite")], {}


_KINDS: Mapping[str, Callable[[int, Path], tuple[list[str], dict[str, str]]]] = {
    "moto": _moto,
    "ministack": _ministack,
    "dynoxide": _dynoxide,
}


def where_installed(name: str) -> object:
    """Give a case of a test, skipped and seen to be if its name is that of a server this machine has no build of."""
    is_absent = name.endswith("dynoxide") and not DYNOXIDE.exists()
    return pytest.param(name, marks=pytest.mark.skipif(is_absent, reason="npm's @dynoxide/linux-x64 is not installed"))


class Emulator:
    """One server on a port of 127.0.0.1 of its own."""

    def __init__(self, kind: str) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
        argv, variables = _KINDS[kind](self.port, self._home)
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
            )
        eventually(self._answers, within=START_SECONDS, what=f"{kind} answers")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._home / "log").read_text(errors="replace")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    def close(self) -> None:
        self._process.kill()
        self._process.wait(STOP_SECONDS)
        shutil.rmtree(self._home, ignore_errors=True)


class Emulators:
    """Those that this run of pytest has asked for."""

    def __init__(self) -> None:
        self._running: dict[str, Emulator] = {}
        self._before: dict[str, str] = {}

    def url(self, kind: str) -> str:
        """Give the address of the one server of this kind, started now if need be."""
        if kind not in self._running:
            self._running[kind] = Emulator(kind)
        return self._running[kind].url

    def __enter__(self) -> Self:
        """Give this process, and those it starts, what a client needs."""
        self._before = {name: os.environ[name] for name in CREDENTIALS if name in os.environ}
        os.environ.update(CREDENTIALS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for emulator in self._running.values():
            emulator.close()
        for name in CREDENTIALS:
            del os.environ[name]
        os.environ.update(self._before)
