"""Files that a browser loads: typed, compressed once and tagged, each read when it is first asked for."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

from services.domain.errors import ObjectNotFound

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """One file as it is sent: `packed` is `body` through gzip."""

    body: bytes
    packed: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> WebFile:
        """Read a file; raise OSError if it cannot be read."""
        body = path.read_bytes()
        # A weak tag: the same file is sent as it is and packed.
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
        return cls(body=body, packed=gzip.compress(body, mtime=0), media_type=MEDIA_TYPES[path.suffix], etag=etag)

    def answer(self, request: Headers, headers: Mapping[str, str]) -> Response:
        """Give the file with these headers, packed if the browser takes that; 304 if it has this very version."""
        sent = {**headers, "ETag": self.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if self.etag in request.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
        if "gzip" in request.get("accept-encoding", ""):
            return Response(self.packed, media_type=self.media_type, headers={**sent, "Content-Encoding": "gzip"})
        return Response(self.body, media_type=self.media_type, headers=sent)


class WebFiles:
    """The files that may be asked for, by name; no other path is ever opened."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        """Allow these names."""
        self._paths = dict(paths)
        self._read: dict[str, WebFile] = {}

    def get(self, name: str) -> WebFile:
        """Give a file; raise ObjectNotFound for a name that is not allowed and for a file that is not there."""
        found = self._read.get(name)
        if found is None:
            try:
                found = WebFile.read(self._paths[name])
            except (KeyError, OSError):
                raise ObjectNotFound from None
            self._read[name] = found
        return found

    def missing(self) -> list[str]:
        """Name the files that are allowed and not there."""
        return sorted(name for name, path in self._paths.items() if not path.is_file())
