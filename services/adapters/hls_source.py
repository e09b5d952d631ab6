"""An HLS address as a source of segments' bytes; every playlist, key and segment goes through the guarded client.

source = HlsSource(http, url, width=1280)
media = source.media(Deadline.after(5))                      # a master playlist leads to one variant
for piece in source.bytes_of(media.segments[-1], Deadline.after(5)): ...     # decrypted, its init section first
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed, TooLarge
from services.adapters.guarded_http import Answer, GuardedHttp
from services.adapters.hls_cipher import KEY_BYTES, decrypted
from services.adapters.hls_playlist import Key, Master, Media, Resource, Segment, Variant, parse

PLAYLIST_BYTES = 4 * 1024 * 1024
INIT_BYTES = 1024 * 1024
SEGMENT_BYTES = 64 * 1024 * 1024
WIDTH_DEFAULT = 1920  # pixels; where nobody asks for a width, what is wider costs more than it shows
_MASTERS_MAX = 2  # a master may name a master; whoever names a third is playing


class HlsSource:
    """One HLS address, in the variant that suits; for one thread at a time."""

    def __init__(
        self, http: GuardedHttp, url: str, *, width: int | None = None, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Fetch with `http`; of a master playlist's variants the narrowest of at least `width` pixels is taken."""
        self._http = http
        self._url = url
        self._width = width
        self._segment_bytes = segment_bytes
        self._keys: dict[str, bytes] = {}
        self._inits: dict[Resource, bytes] = {}

    def media(self, deadline: Deadline, *, first: Answer | None = None) -> Media:
        """Fetch the playlist, anew with each call, through its master the first time.

        `first` is the answer at the address itself, where it was fetched already.
        """
        for _ in range(_MASTERS_MAX + 1):
            answer = first or self._http.get(self._url, deadline=deadline, max_bytes=PLAYLIST_BYTES)
            first = None
            found = parse(answer.body.decode("utf-8", errors="replace"), answer.url)
            if isinstance(found, Media):
                return found
            self._url = chosen(found, self._width).url
        raise FetchFailed("its playlists name each other without an end")

    def bytes_of(self, segment: Segment, deadline: Deadline) -> Iterator[bytes]:
        """Give a segment while it comes, in clear, the section that it needs before it first."""
        if segment.init is not None:
            yield self.init_of(segment.init, deadline)
        yield from self.media_of(segment, deadline)

    def media_of(self, segment: Segment, deadline: Deadline) -> Iterator[bytes]:
        """Give a segment without its init section."""
        key = None if segment.key is None else self._key(segment.key, deadline)
        where = segment.media
        most = self._segment_bytes
        with self._http.stream(where.url, deadline=deadline, max_bytes=most, byte_range=where.byte_range) as body:
            pieces = cut(body.pieces, where, body.status)
            if key is None or segment.key is None:
                yield from pieces
            else:
                yield from decrypted(pieces, key, segment.key.iv or segment.sequence.to_bytes(KEY_BYTES, "big"))

    def init_of(self, where: Resource, deadline: Deadline) -> bytes:
        """Give an init section; it is fetched once."""
        if where not in self._inits:
            most = INIT_BYTES
            with self._http.stream(where.url, deadline=deadline, max_bytes=most, byte_range=where.byte_range) as body:
                self._inits = {where: b"".join(cut(body.pieces, where, body.status))}
        return self._inits[where]

    def _key(self, key: Key, deadline: Deadline) -> bytes:
        if key.url not in self._keys:
            try:
                self._keys = {key.url: self._http.get(key.url, deadline=deadline, max_bytes=KEY_BYTES).body}
            except TooLarge:
                raise FetchFailed("its key is not one of AES-128") from None
        return self._keys[key.url]


def chosen(master: Master, width: int | None) -> Variant:
    """Give the narrowest variant of at least `width` pixels, else the widest; of two alike the one of more bits."""
    variants: Sequence[Variant] = [each for each in master.variants if each.width] or master.variants
    if not variants:
        raise FetchFailed("its playlist names no stream")
    wanted = width or WIDTH_DEFAULT
    enough = [each for each in variants if (each.width or 0) >= wanted]
    if enough:
        return min(enough, key=lambda each: (each.width or 0, -each.bandwidth))
    return max(variants, key=lambda each: (each.width or 0, each.bandwidth))


_PARTIAL = 206


def cut(pieces: Iterator[bytes], where: Resource, status: int) -> Iterator[bytes]:
    """Give of a body what was asked for: a server that knows no ranges sends the whole."""
    if where.byte_range is None or status == _PARTIAL:
        yield from pieces
        return
    first, last = where.byte_range
    at = 0
    for piece in pieces:
        part = piece[max(0, first - at) : max(0, last + 1 - at)]
        at += len(piece)
        if part:
            yield part
        if at > last:
            return
