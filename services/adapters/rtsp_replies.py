"""What an RTSP server says, judged before ffmpeg hears it: ffmpeg follows a redirect anywhere, past any guard.

    replies = RtspReplies()
    client.sendall(replies.passed(server.recv(65_536)))        # raises Redirected

ffmpeg reads leniently (it drops every carriage return, skips blanks before a word, takes a packet of media for one at
the begin of any line), so that a lenient judge would read something else than it does. Here only what is written as
RFC 2326 writes it goes on; all else ends the connection.
"""

from __future__ import annotations

import re

from services.adapters.fetch_errors import FetchFailed

LINE_MAX = 1_000  # bytes; ffmpeg cuts longer lines
BODY_MAX = 256 * 1024
_HEAD = 4  # bytes before a packet of media
_MEDIA = b"$"
_REPLY = re.compile(rb"RTSP/1\.\d (\d)\d\d(?: .*)?")
_REQUEST = re.compile(rb"[A-Z_]{1,20} \S+ RTSP/1\.\d")
_LENGTH = re.compile(rb"content-length: ?(\d{1,9})", re.IGNORECASE)
_HEADER = re.compile(rb"[A-Za-z0-9-]+:.*")
_REDIRECTION = b"3"


class Redirected(FetchFailed):
    """It leads to another address (a redirect is not followed), or does not speak RTSP as it is written down."""


class RtspReplies:
    """Passes on whole lines, bodies and media of one connection, and nothing that leads elsewhere."""

    def __init__(self) -> None:
        """Begin with a reply."""
        self._held = b""
        self._plain = 0  # bytes of media, or of a reply's body, that are still to come
        self._length: int | None = None
        self._is_first_line = True

    def passed(self, piece: bytes) -> bytes:
        """Give what may go on of what has come; raise Redirected."""
        self._held += piece
        out = bytearray()
        while part := self._next():
            out += part
            self._held = self._held[len(part) :]
        return bytes(out)

    def _next(self) -> bytes:
        if self._plain:
            part = self._held[: self._plain]
            self._plain -= len(part)
            return part
        if self._is_first_line and self._held.startswith(_MEDIA):
            if len(self._held) < _HEAD:
                return b""
            self._plain = int.from_bytes(self._held[2:_HEAD], "big")
            return self._held[:_HEAD]
        line, end, _ = self._held.partition(b"\n")
        if len(line) > LINE_MAX:
            raise Redirected
        if not end:
            return b""
        self._judge(line.removesuffix(b"\r"))
        return line + end

    def _judge(self, line: bytes) -> None:
        if b"\r" in line or b"\0" in line:
            raise Redirected
        if self._is_first_line:
            self._begin(line)
        elif not line:
            self._plain, self._length, self._is_first_line = self._length or 0, None, True
        else:
            self._take_header(line)

    def _begin(self, line: bytes) -> None:
        """Judge a first line: a status that is no redirection, or a request of the server's, which ffmpeg refuses."""
        if not line:  # some servers send an empty line more
            return
        reply = _REPLY.fullmatch(line)
        if reply[1] == _REDIRECTION if reply else not _REQUEST.fullmatch(line):
            raise Redirected
        self._is_first_line = False

    def _take_header(self, line: bytes) -> None:
        if not _HEADER.fullmatch(line):
            raise Redirected
        if not line.lower().startswith(b"content-length"):
            return
        length = _LENGTH.fullmatch(line.rstrip(b" "))
        if length is None or self._length is not None or int(length[1]) > BODY_MAX:
            raise Redirected
        self._length = int(length[1])
