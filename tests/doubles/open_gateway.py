"""A real nginx-rtmp that lets everybody publish and play, and tells when a player listens."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateway.nginx_process import free_ports

DEADLINE_SECONDS = 10.0
_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
_CONFIGURATION = """
load_module {module};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 64; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        application stream {{
            live on;
            idle_streams on;
            publish_notify on;
            wait_key off;
            wait_video off;
            notify_method post;
            on_play http://127.0.0.1:{hook}/play;
        }}
    }}
}}
"""


class OpenGateway:
    """A running gateway; `url` is the address of its application."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.listening = threading.Event()
        """Set when a player was let in."""

    def answer(self, hooks: socket.socket) -> None:
        """Say yes to every player, until the socket closes."""
        while True:
            try:
                connection, _ = hooks.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.listening.set()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    message = "nginx did not start"
    raise AssertionError(message)


@contextmanager
def open_gateway(folder: Path) -> Iterator[OpenGateway]:
    """Run a gateway while the block runs."""
    (port,) = free_ports(1)
    gateway = OpenGateway(f"rtmp://127.0.0.1:{port}/stream")
    with socket.create_server(("127.0.0.1", 0)) as hooks:
        file = folder / "nginx.conf"
        file.write_text(_CONFIGURATION.format(module=_MODULE, folder=folder, port=port, hook=hooks.getsockname()[1]))
        answering = threading.Thread(target=gateway.answer, args=(hooks,), daemon=True)
        answering.start()
        nginx = subprocess.Popen(["nginx", "-e", "stderr", "-p", str(folder), "-c", str(file)])
        try:
            _wait_for(port)
            yield gateway
        finally:
            nginx.terminate()
            nginx.wait(DEADLINE_SECONDS)
            hooks.shutdown(socket.SHUT_RDWR)
    answering.join(DEADLINE_SECONDS)
