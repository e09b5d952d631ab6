"""A publisher of one's own making: sends any FLV tags at any time with any timestamps, and knows what it has sent.

    tags = read_flv(path)
    with Connection(url) as connection:                       # raises Refused
        connection.send(tags[0], timestamp=0)

    with LivePublisher(url, tags) as publisher:               # in real time, from the keyframe that is due now
        ...
    publisher.sent                                            # each video frame with the wall clock of its sending

It speaks RTMP 1.0 as Adobe published it, with AMF0 commands, as much of it as a publisher needs.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

AUDIO, VIDEO, DATA = 8, 9, 18
_CHUNK_SIZE, _USER_CONTROL, _COMMAND = 1, 4, 20
_PING, _PONG = 6, 7
_OUT_CHUNK = 60_000
_EXTENDED = 0xFFFFFF
_HANDSHAKE = 1536
DEADLINE_SECONDS = 10.0


class Refused(Exception):
    """The server did not let this publisher in, or cut it."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One FLV tag: its `kind`, its time in ms, what it carries."""

    kind: int
    timestamp: int
    body: bytes

    @property
    def is_keyframe(self) -> bool:
        return self.kind == VIDEO and self.body[0] >> 4 == 1

    @property
    def is_header(self) -> bool:
        """Say whether it describes a stream: AVC's or AAC's sequence header, or metadata."""
        if self.kind == DATA:
            return True
        if self.kind == VIDEO:
            return self.body[0] & 0xF in (7, 12) and self.body[1] == 0
        return self.body[0] >> 4 == 10 and self.body[1] == 0

    @property
    def presented(self) -> int:
        """Give when a video frame is shown, in ms."""
        shift = int.from_bytes(self.body[2:5], "big", signed=True) if self.body[0] & 0xF in (7, 12) else 0
        return self.timestamp + shift


def read_flv(path: Path) -> list[Tag]:
    """Give the tags of an FLV file."""
    return flv_tags(path.read_bytes())


def flv_tags(data: bytes) -> list[Tag]:
    """Give the tags of what an FLV file holds."""
    at, tags = 9 + 4, []
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        timestamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        tags.append(Tag(data[at] & 0x1F, timestamp, data[at + 11 : at + 11 + size]))
        at += 11 + size + 4
    return tags


class Connection:
    """A publisher that was let in; made in one go, raises Refused."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        app, _, name = parts.path.lstrip("/").partition("/")
        try:
            self._socket = socket.create_connection((parts.hostname, parts.port or 1935), DEADLINE_SECONDS)
        except OSError as error:
            raise Refused(str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()
        self._in = _ChunkReader(self._receive)
        self.is_cut = threading.Event()
        try:
            self._shake_hands()
            self._message(_CHUNK_SIZE, struct.pack(">I", _OUT_CHUNK), chunk=2)
            address = f"rtmp://{parts.netloc}/{app}"
            self._command("connect", 1, {"app": app, "type": "nonprivate", "flashVer": "FMLE/3.0", "tcUrl": address})
            self._until("_result", 1)
            self._command("createStream", 2, None)
            number = self._until("_result", 2)[3]
            assert isinstance(number, float)
            self._stream = int(number)
            self._command("publish", 3, None, f"{name}?{parts.query}" if parts.query else name, "live", on_stream=True)
            self._until("onStatus", 0)
        except (OSError, EOFError, Refused) as error:
            self._socket.close()
            raise Refused(str(error) or "the server closed the connection") from error
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read_on, name="rtmp reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, tag: Tag, timestamp: int | None = None) -> None:
        """Send a tag, at its own time (ms) or at another; raise Refused once the server has cut the connection."""
        moment = tag.timestamp if timestamp is None else timestamp
        chunk = {AUDIO: 4, VIDEO: 6, DATA: 5}.get(tag.kind, 7)
        body = _amf("@setDataFrame") + tag.body if tag.kind == DATA else tag.body
        self._message(tag.kind, body, chunk=chunk, timestamp=moment & 0xFFFFFFFF, stream=self._stream)

    def send_raw(self, data: bytes) -> None:
        """Send bytes that are no RTMP."""
        self._send(data)

    def close(self) -> None:
        """Leave as an encoder does when it is told to stop."""
        with contextlib.suppress(OSError, Refused):
            self._command("deleteStream", 0, None, float(self._stream))
            self._socket.shutdown(socket.SHUT_RDWR)
        self._end()

    def abort(self) -> None:
        """Be gone without a word, as after a crash."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The reader must wake: while it waits, the kernel keeps the socket open.
            self._socket.shutdown(socket.SHUT_RD)
        if self._reader is not threading.current_thread():
            self._reader.join(DEADLINE_SECONDS)
        self._socket.close()

    def _end(self) -> None:
        self._socket.close()
        if self._reader is not threading.current_thread():
            self._reader.join(DEADLINE_SECONDS)

    def _shake_hands(self) -> None:
        hello = bytes(8) + bytes(range(256)) * 6
        self._send(b"\x03" + hello[:_HANDSHAKE])
        answer = self._receive(1 + 2 * _HANDSHAKE)
        self._send(answer[1 : 1 + _HANDSHAKE])

    def _until(self, name: str, number: float) -> list[object]:
        while True:
            kind, body = self._in.message()
            if kind != _COMMAND:
                self._answer(kind, body)
                continue
            values = _read_amf(body)
            if values[0] == "_error":
                raise Refused(str(values))
            if values[0] == name and (name == "onStatus" or values[1] == number):
                info = values[3] if len(values) > 3 else None
                if isinstance(info, dict) and info.get("level") == "error":
                    raise Refused(str(info.get("code")))
                return values

    def _read_on(self) -> None:
        try:
            while True:
                self._answer(*self._in.message())
        except (OSError, EOFError, Refused, ValueError):
            self.is_cut.set()

    def _answer(self, kind: int, body: bytes) -> None:
        if kind == _USER_CONTROL and int.from_bytes(body[:2], "big") == _PING:
            self._message(_USER_CONTROL, _PONG.to_bytes(2, "big") + body[2:6], chunk=2)

    def _command(self, *values: object, on_stream: bool = False) -> None:
        body = b"".join(_amf(value) for value in values)
        self._message(_COMMAND, body, chunk=8 if on_stream else 3, stream=self._stream if on_stream else 0)

    def _message(self, kind: int, body: bytes, *, chunk: int, timestamp: int = 0, stream: int = 0) -> None:
        shown = min(timestamp, _EXTENDED)
        extended = struct.pack(">I", timestamp) if shown == _EXTENDED else b""
        head = shown.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind]) + struct.pack("<I", stream)
        data = bytearray(bytes([chunk]) + head + extended + body[:_OUT_CHUNK])
        for at in range(_OUT_CHUNK, len(body), _OUT_CHUNK):
            data += bytes([0xC0 | chunk]) + extended + body[at : at + _OUT_CHUNK]
        self._send(bytes(data))

    def _send(self, data: bytes) -> None:
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError as error:
            raise Refused(str(error)) from error

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)


class _ChunkReader:
    """Puts the server's chunks together to messages."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._size = 128
        self._heads: dict[int, tuple[int, int, int]] = {}  # length, kind, timestamp field
        self._bodies: dict[int, bytearray] = {}

    def message(self) -> tuple[int, bytes]:
        """Give the kind and the body of the next message."""
        while True:
            first = self._receive(1)[0]
            form, chunk = first >> 6, first & 0x3F
            if chunk < 2:
                chunk = 64 + int.from_bytes(self._receive(1 + chunk), "little")
            length, kind, shown = self._heads.get(chunk, (0, 0, 0))
            if form < 3:
                shown = int.from_bytes(self._receive(3), "big")
                if form < 2:
                    length, kind = int.from_bytes(self._receive(3), "big"), self._receive(1)[0]
                if form == 0:
                    self._receive(4)
            if shown == _EXTENDED:
                self._receive(4)
            self._heads[chunk] = (length, kind, shown)
            body = self._bodies.setdefault(chunk, bytearray())
            body += self._receive(min(self._size, length - len(body)))
            if len(body) == length:
                whole = bytes(self._bodies.pop(chunk))
                if kind == _CHUNK_SIZE:
                    self._size = int.from_bytes(whole, "big") & 0x7FFFFFFF
                return kind, whole


def _amf(value: object) -> bytes:
    match value:
        case None:
            return b"\x05"
        case float() | int():
            return b"\x00" + struct.pack(">d", float(value))
        case str():
            return b"\x02" + _amf_name(value)
        case dict():
            fields = b"".join(_amf_name(name) + _amf(each) for name, each in value.items())
            return b"\x03" + fields + b"\x00\x00\x09"
    raise ValueError(f"no AMF0 for {value!r}")


def _amf_name(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _read_amf(body: bytes) -> list[object]:
    values: list[object] = []
    at = 0
    while at < len(body):
        value, at = _read_value(body, at)
        values.append(value)
    return values


def _read_value(body: bytes, at: int) -> tuple[object, int]:
    kind, at = body[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", body, at)[0], at + 8
    if kind == 1:
        return bool(body[at]), at + 1
    if kind == 2:
        return _read_name(body, at)
    if kind in (3, 8):
        return _read_fields(body, at + (4 if kind == 8 else 0))
    if kind in (5, 6):
        return None, at
    raise ValueError(f"AMF0 kind {kind} is not known here")


def _read_fields(body: bytes, at: int) -> tuple[dict[str, object], int]:
    found: dict[str, object] = {}
    while body[at : at + 3] != b"\x00\x00\x09":
        name, at = _read_name(body, at)
        found[name], at = _read_value(body, at)
    return found, at + 3


def _read_name(body: bytes, at: int) -> tuple[str, int]:
    size = int.from_bytes(body[at : at + 2], "big")
    return body[at + 2 : at + 2 + size].decode(), at + 2 + size


@dataclass(frozen=True, slots=True)
class Sent:
    """A video frame that was handed to the server: when (epoch s), when it is shown in the clip (ms), if a keyframe."""

    at: float
    presented: int
    is_keyframe: bool


@dataclass(slots=True)
class LivePublisher:
    """Pushes a clip in real time, as an encoder would that is at `clip_seconds()` of it now.

    It begins with the keyframe that is due next and ends with the clip; times begin at 0 with each connection unless
    `time_of` says otherwise (ms of the clip, ms since this connection's first frame -> ms to send).
    """

    url: str
    tags: Sequence[Tag]
    clip_seconds: Callable[[], float] = lambda: 0.0
    time_of: Callable[[int, int], int] = lambda _, since: since
    sent: list[Sent] = field(default_factory=list)
    connected_at: float | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    silent: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _connection: Connection | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def start(self) -> None:
        """Connect and begin; raise Refused."""
        self._connection = Connection(self.url)
        self.connected_at = time.time()
        self._thread = threading.Thread(target=self._push, args=(self._connection,), name="publisher", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Stop as an encoder that is told to."""
        self._end(Connection.close)

    def vanish(self) -> None:
        """Be gone without a word."""
        self._end(Connection.abort)

    @property
    def is_cut(self) -> bool:
        """Say whether the server has closed the connection."""
        return self._connection is not None and self._connection.is_cut.is_set()

    def _end(self, how: Callable[[Connection], None]) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(DEADLINE_SECONDS)
        if self._connection is not None:
            how(self._connection)
            self._connection = None

    def _push(self, connection: Connection) -> None:
        try:
            now = self.clip_seconds() * 1000
            has_video = any(tag.kind == VIDEO for tag in self.tags)
            media = [tag for tag in self.tags if not tag.is_header and tag.timestamp >= now]
            first = next((tag.timestamp for tag in media if tag.is_keyframe or not has_video), None)
            if first is None:
                return
            for tag in (tag for tag in self.tags if tag.is_header):
                connection.send(tag, self.time_of(first, 0))
            began = time.monotonic() + (first - now) / 1000
            for tag in (tag for tag in media if tag.timestamp >= first):
                if self._stop.wait(max(0.0, began + (tag.timestamp - first) / 1000 - time.monotonic())):
                    return
                while self.silent.is_set():
                    if self._stop.wait(0.02):
                        return
                connection.send(tag, self.time_of(tag.timestamp, tag.timestamp - first))
                if tag.kind == VIDEO:
                    self.sent.append(Sent(time.time(), tag.presented, tag.is_keyframe))
        except Refused:
            connection.is_cut.set()
        finally:
            self.ended.set()
