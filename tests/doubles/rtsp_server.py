"""A small RTSP server: a clip's video as ffmpeg packs it into RTP, sent over the connection itself; or a redirect."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_OPTIONS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"


@dataclass
class RtspServer:
    """`url`, and the first lines of all that it was asked; with `leads_to` it redirects there from DESCRIBE on."""

    url: str
    clip: Path
    leads_to: str | None = None
    asked: list[str] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError), _Packets(self.clip) as packets:
            reading = connection.makefile("rb")
            while True:
                head = _head(reading)
                self.asked.append(head[0])
                method = head[0].partition(" ")[0]
                number = next(line for line in head if line.lower().startswith("cseq"))
                connection.sendall(self._reply(method, number, packets))
                if method == "PLAY":
                    packets.send_on(connection)
                    return

    def _reply(self, method: str, number: str, packets: _Packets) -> bytes:
        if self.leads_to and method != "OPTIONS":
            return f"RTSP/1.0 302 Found\r\n{number}\r\nLocation: {self.leads_to}\r\n\r\n".encode()
        body = packets.description if method == "DESCRIBE" else ""
        headers = {
            "OPTIONS": f"Public: {_OPTIONS}\r\n",
            "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n",
            "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
            "PLAY": "Session: 1\r\n",
        }.get(method, "")
        return f"RTSP/1.0 200 OK\r\n{number}\r\n{headers}\r\n{body}".encode()


class _Packets:
    """A clip as RTP: ffmpeg sends it to a port of this machine, in real time."""

    def __init__(self, clip: Path) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        port = self._socket.getsockname()[1]
        command = [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-re",
            "-stream_loop",
            "-1",
            "-i",
            str(clip),
            "-an",
            "-c",
            "copy",
        ]
        target = f"rtp://127.0.0.1:{port}?rtcpport={port}"
        self._ffmpeg = subprocess.Popen([*command, "-f", "rtp", target], stdout=subprocess.PIPE, text=True)
        self.description = ""

    def __enter__(self) -> Self:
        assert self._ffmpeg.stdout is not None
        lines = [line.strip() for line in iter(self._ffmpeg.stdout.readline, "\n")]
        self.description = "\r\n".join(line for line in lines if "=" in line) + "\r\na=control:streamid=0\r\n"
        return self

    def send_on(self, connection: socket.socket) -> None:
        while True:
            packet = self._socket.recv(65_536)
            connection.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)

    def __exit__(self, *_: object) -> None:
        self._ffmpeg.kill()
        self._ffmpeg.communicate()
        self._socket.close()


def _head(reading: object) -> list[str]:
    lines = []
    while line := reading.readline().decode().strip():  # type: ignore[attr-defined] # a socket's file
        lines.append(line)
    if not lines:
        raise EOFError
    return lines


@contextmanager
def rtsp_server(clip: Path, leads_to: str | None = None) -> Iterator[RtspServer]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RtspServer(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live", clip, leads_to)
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
