"""A file on a web server, read in blocks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed, TooLarge
from services.adapters.guarded_http import GuardedHttp

BLOCK_BYTES = 512 * 1024
BLOCKS_KEPT = 16
FETCHED_MAX = 96 * 1024 * 1024
_PARTIAL = 206


class RemoteFile:
    """Fetches blocks as they are needed; a server that knows no ranges was found out before."""

    def __init__(self, http: GuardedHttp, url: str, size: int, deadline: Deadline) -> None:
        """Read `url`, which has `size` bytes, until `deadline`."""
        self.size = size
        self._http = http
        self._url = url
        self._deadline = deadline
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._fetched = 0

    def begin_with(self, pieces: Iterator[bytes]) -> None:
        """Take the first block from an answer that has begun already."""
        first = bytearray()
        wanted = min(BLOCK_BYTES, self.size)
        for piece in pieces:
            first += piece
            if len(first) >= wanted:
                break
        self._keep(0, bytes(first[:wanted]))

    def read(self, offset: int, size: int) -> bytes:
        """Give at least one byte from `offset` on, at most `size`."""
        number = offset // BLOCK_BYTES
        if number not in self._blocks:
            self._keep(number, self._fetch(number))
        self._blocks.move_to_end(number)
        begin = offset - number * BLOCK_BYTES
        found = self._blocks[number][begin : begin + size]
        if not found:
            raise FetchFailed("it is shorter than it said")
        return found

    def _fetch(self, number: int) -> bytes:
        first = number * BLOCK_BYTES
        last = min(self.size, first + BLOCK_BYTES) - 1
        most = last - first + 1
        answer = self._http.get(self._url, deadline=self._deadline, max_bytes=most, byte_range=(first, last))
        if answer.status != _PARTIAL:
            raise FetchFailed("it cannot be read in parts")
        return answer.body

    def _keep(self, number: int, block: bytes) -> None:
        self._fetched += len(block)
        if self._fetched > FETCHED_MAX:
            raise TooLarge(f"one picture of it takes more than {FETCHED_MAX} bytes")
        self._blocks[number] = block
        if len(self._blocks) > BLOCKS_KEPT:
            self._blocks.popitem(last=False)
