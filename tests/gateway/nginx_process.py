"""The gateway's nginx as its own command starts it: `python -m services.gateway.nginx`."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.waiting import eventually

START_SECONDS = 10.0


def free_ports(count: int) -> list[int]:
    """Give ports of 127.0.0.1 that nobody listens on now, below the range from which the kernel gives ports away."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(10_000, 32_000), 200):
        if len(ports) == count:
            return ports
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    raise AssertionError(f"no {count} free ports were found")


def new_nginx(run_path: Path) -> Nginx:
    """Give an nginx, not started yet, on free ports."""
    rtmp_port, nginx_port, callback_port = free_ports(3)
    return Nginx(run_path, rtmp_port=rtmp_port, nginx_port=nginx_port, callback_port=callback_port)


class Nginx:
    """One nginx on ports of its own; `log` is what it wrote to standard error in all its lives."""

    def __init__(self, run_path: Path, *, rtmp_port: int, nginx_port: int, callback_port: int) -> None:
        self.url = f"http://127.0.0.1:{nginx_port}"
        self.rtmp_url = f"rtmp://127.0.0.1:{rtmp_port}/stream"
        self.callback_port = callback_port
        self._nginx_port = nginx_port
        self._log_path = run_path.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        self.variables = {
            "STREAMKEEP_RTMP_PORT": str(rtmp_port),
            "STREAMKEEP_NGINX_PORT": str(nginx_port),
            "STREAMKEEP_CALLBACK_URL": f"http://127.0.0.1:{callback_port}",
            "STREAMKEEP_RUN_PATH": str(run_path),
        }

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "services.gateway.nginx"]
            self._process = subprocess.Popen(command, env={**os.environ, **self.variables}, stderr=log)
        eventually(self.answers, within=START_SECONDS, what=f"nginx answers; its log: {self.log}")

    def answers(self) -> bool:
        try:
            return bool(self.boot())
        except OSError:
            return False

    def boot(self) -> str:
        """Give the name of its present life."""
        return self._get("/boot")

    def stat(self) -> str:
        """Give what it says about its connections."""
        return self._get("/stat")

    def _get(self, path: str) -> str:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._nginx_port, timeout=5)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def kill(self) -> None:
        """End it without a farewell to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(START_SECONDS)

    def occupied(self) -> socket.socket:
        """Take its HTTP port without ever answering, as a process that hangs."""
        return socket.create_server(("127.0.0.1", self._nginx_port))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(START_SECONDS)
