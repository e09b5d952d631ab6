"""Sources that end: what there was is published once, and nothing of it again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.adapters.address_guard import AddressGuard
from services.domain.addresses import networks
from services.puller.attempt import Attempt, Outcome
from services.puller.progress import Progress
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.doubles.sources import SourceServer, source_server
from tests.media import Clip, Media, run

OPEN = AddressGuard(networks("127.0.0.0/8"))
WITHIN_SECONDS = 15.0
OVER = Outcome("ended", "it has ended")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGateway]:
    with open_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path, media: Media) -> Iterator[SourceServer]:
    """Six segments of a second: 0.ts to 5.ts; a whole file: whole.ts."""
    clip = media.file(Clip(seconds=6, gop_seconds=1))
    cut: list[str | Path] = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0"]
    cut += ["-hls_segment_filename", tmp_path / "%d.ts"]
    run(["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", *cut, tmp_path / "whole.m3u8"])
    run(["ffmpeg", "-v", "error", "-i", clip, "-t", "2", "-c", "copy", tmp_path / "whole.ts"])
    with source_server(tmp_path) as server:
        yield server


class Tries:
    """Tries to fetch one address, one after the other."""

    def __init__(self, gateway: OpenGateway, source: SourceServer, path: str) -> None:
        self._publish = f"{gateway.url}/{time.monotonic_ns()}"
        self._url, self._source = source.url(path), source
        self.progress = Progress()
        self.ran = threading.Event()

    def name_segments(self, first: int, numbers: range, *, is_over: bool = True) -> None:
        """Let the playlist name these segments."""
        lines = "".join(f"#EXTINF:1,\n{each}.ts?token={time.monotonic_ns()}\n" for each in numbers)
        end = "#EXT-X-ENDLIST" if is_over else ""
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{lines}{end}"
        self._source.bodies["/list.m3u8"] = text.encode()

    def go_on(self) -> tuple[Outcome, list[str]]:
        """Try once more; give what it came to, and what was asked of the source but the playlist."""
        self._source.asked.clear()

        async def tried() -> Outcome:
            async def runs() -> None:
                self.ran.set()

            async with asyncio.timeout(WITHIN_SECONDS):
                return await Attempt(guard=OPEN, publish=self._publish, runs=runs, progress=self.progress).made(
                    self._url
                )

        outcome = asyncio.run(tried())
        return outcome, [asked[0].partition("?")[0] for asked in self._source.asked if "m3u8" not in asked[0]]


@pytest.fixture
def tries(gateway: OpenGateway, source: SourceServer) -> Tries:
    return Tries(gateway, source, "list.m3u8")


def test_a_list_that_ends_is_published_once_at_its_pace(tries: Tries) -> None:
    tries.name_segments(0, range(3))
    began = time.monotonic()

    outcome, asked = tries.go_on()

    assert (outcome.cause, outcome.detail) == ("ended", "it has ended")
    assert asked == ["/0.ts", "/1.ts", "/2.ts"]
    assert time.monotonic() - began > 2
    assert [tries.go_on() for _ in range(2)] == [(OVER, []), (OVER, [])]


def test_of_a_list_that_grew_after_its_end_only_what_is_new_is_published(tries: Tries) -> None:
    tries.name_segments(0, range(2))
    tries.go_on()
    tries.name_segments(0, range(4))

    outcome, asked = tries.go_on()

    assert (outcome.cause, asked) == ("ended", ["/2.ts", "/3.ts"])


def test_another_broadcast_at_the_same_address_is_published(tries: Tries) -> None:
    tries.name_segments(7, range(2))
    tries.go_on()
    tries.name_segments(0, range(3, 5))

    outcome, asked = tries.go_on()

    assert (outcome.cause, asked) == ("ended", ["/3.ts", "/4.ts"])


def test_a_list_that_is_live_again_without_anything_new_is_waited_for(tries: Tries) -> None:
    tries.name_segments(0, range(2))
    tries.go_on()
    tries.name_segments(0, range(2), is_over=False)
    quiet = tries.go_on()
    tries.name_segments(0, range(3), is_over=False)
    threading.Timer(2, tries.name_segments, [0, range(4)]).start()

    outcome, asked = tries.go_on()

    assert quiet == (OVER, [])
    assert (outcome.cause, asked) == ("ended", ["/2.ts", "/3.ts"])


def test_what_was_not_published_is_not_taken_for_published(source: SourceServer, gateway: OpenGateway) -> None:
    tries = Tries(gateway, source, "list.m3u8")
    tries.name_segments(0, range(2))
    published, tries._publish = tries._publish, "rtmp://127.0.0.1:1/stream/x"

    refused, _ = tries.go_on()
    tries._publish = published
    outcome, asked = tries.go_on()

    assert refused.cause == "gateway"
    assert (outcome.cause, asked) == ("ended", ["/0.ts", "/1.ts"])


@pytest.mark.parametrize("path", ["list.m3u8", "whole.ts"])
def test_what_an_earlier_program_published_is_not_published_again(
    gateway: OpenGateway, source: SourceServer, path: str
) -> None:
    tries = Tries(gateway, source, path)
    tries.name_segments(0, range(2))
    tries.progress = Progress(is_over=True, is_known=False)

    first, again = tries.go_on()[0], tries.go_on()[0]
    tries.name_segments(0, range(3))
    source.bodies["/whole.ts"] = (source.folder / "2.ts").read_bytes()
    changed, _ = tries.go_on()

    assert [first, again] == [OVER, OVER]
    assert (changed.cause, changed.ran < 2) == ("ended", True)


def test_a_file_is_published_once_until_it_is_another(gateway: OpenGateway, source: SourceServer) -> None:
    tries = Tries(gateway, source, "whole.ts")
    outcome, _ = tries.go_on()
    again, _ = tries.go_on()
    source.bodies["/whole.ts"] = (source.folder / "whole.ts").read_bytes() * 2
    another, _ = tries.go_on()

    assert (outcome.cause, again) == ("ended", OVER)
    assert outcome.ran < another.ran


def test_a_file_that_breaks_off_is_read_on_where_it_did(gateway: OpenGateway, source: SourceServer) -> None:
    tries = Tries(gateway, source, "whole.ts")
    size = (source.folder / "whole.ts").stat().st_size
    source.cut_at = size // 2

    outcome, _ = tries.go_on()

    assert outcome.cause == "ended"
    assert [wanted for _, _, wanted, _ in source.asked if wanted] == [f"bytes={size // 2}-{size - 1}"]
