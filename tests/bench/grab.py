"""One picture of any stream: how long `POST /snapshots` takes for each kind of source; `python -m tests.bench.grab`."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.latency import HEAD, percentile, row, timed
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import table, verdict
from tests.doubles.open_gateway import open_gateway
from tests.doubles.rtsp_server import rtsp_server
from tests.doubles.sources import source_server
from tests.gateway.nginx_process import free_ports
from tests.gateway.publisher import Publisher
from tests.grabber.service import GRABS_AT_ONCE, Service, grab_service
from tests.media import run

LONGEST = 8.0
"""Seconds, of whatever answer."""
Ask = Callable[[], object]


def _asking(service: Service, url: str, **fields: object) -> Ask:
    return lambda: service.ask(url, **fields).raise_for_status()


@contextmanager
def _srt(clip: Path, port: int) -> Iterator[None]:
    argv = ["ffmpeg", "-nostdin", "-v", "quiet", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy"]
    with subprocess.Popen([*argv, "-f", "mpegts", f"srt://127.0.0.1:{port}?mode=listener"]) as sender:
        try:
            yield
        finally:
            sender.kill()


def _srt_asking(service: Service, clip: Path) -> Callable[[], float]:
    """Give the call that serves the stream anew and takes a picture: a listener of ffmpeg takes one caller."""

    def ask() -> float:
        port = free_ports(1)[0]
        with _srt(clip, port):
            return timed(_asking(service, f"srt://127.0.0.1:{port}"))[0]

    return ask


def _silent(service: Service, url: str) -> float:
    return timed(lambda: service.ask(url))[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if every answer came within 8 s."""
    parser = argparse.ArgumentParser(prog="setup.sh bench grab", description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    calls = parser.parse_args(arguments).calls
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name, ExitStack() as ending:
        folder = Path(name)
        rows = measured(folder, ending, calls)
    is_kept = all(longest <= LONGEST for _, longest in rows)
    print(f"{WHAT}; the first call (cold: after the service's start) and the others (warm)")
    print(table(HEAD, [each for each, _ in rows]))
    print(f"every answer within {LONGEST:g} s: {verdict(is_kept=is_kept)}")
    return 0 if is_kept else 1


def measured(folder: Path, ending: ExitStack, calls: int) -> list[tuple[tuple[str, ...], float]]:
    """Ask for pictures of each kind of source."""
    clip = hd_stream(folder)
    copy: list[str | Path] = ["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-c", "copy"]
    run([*copy, "-hls_time", "6", "-hls_list_size", "0", "-hls_playlist_type", "vod", folder / "vod.m3u8"])
    run([*copy, folder / "file.mp4"])
    service = grab_service(ending, folder / "service", "127.0.0.0/8")
    web = ending.enter_context(source_server(folder))
    gateway_folder = folder / "gateway"
    gateway_folder.mkdir()
    gateway = ending.enter_context(open_gateway(gateway_folder))
    ending.enter_context(Publisher(f"{gateway.url}/live", clip))
    time.sleep(1)  # until it has published
    rtsp = ending.enter_context(rtsp_server(clip))
    kinds = {
        "HLS, at 0": _asking(service, web.url("vod.m3u8"), at=0),
        "HLS, at 11.9 (59 frames after a keyframe)": _asking(service, web.url("vod.m3u8"), at=11.9),
        "MP4 file, at 15": _asking(service, web.url("file.mp4"), at=15),
        "RTMP of nginx (waits for the next keyframe)": _asking(service, f"{gateway.url}/live"),
        "RTSP (starts with a keyframe)": _asking(service, rtsp.url),
    }
    rows = [
        _row(f"{kind}, {how}", took)
        for kind, ask in kinds.items()
        for how, took in (("cold", [timed(ask)[0]]), ("warm", [timed(ask)[0] for _ in range(calls)]))
    ]
    srt = _srt_asking(service, clip)
    rows.append(_row("SRT (starts with a keyframe)", [srt() for _ in range(max(2, calls // 4))]))
    with ThreadPoolExecutor(GRABS_AT_ONCE) as pool:
        took = list(pool.map(lambda _: timed(kinds["HLS, at 0"])[0], range(calls)))
    rows.append(_row(f"HLS, at 0, {GRABS_AT_ONCE} at once", took))
    rows.append(_row("HTTP that never answers (504)", [_silent(service, web.url("/silent"))]))
    return rows


def _row(name: str, took: Sequence[float]) -> tuple[tuple[str, ...], float]:
    return row(name, took), percentile(took, 1)


if __name__ == "__main__":
    raise SystemExit(main())
