"""Channels with a source of their own: fetched, captured, again after the source died, until they are stopped."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.media import Clip, Media, run
from tests.processes import command
from tests.waiting import eventually

WIDE = Clip(sound=False, gop_seconds=1)


@pytest.fixture(scope="module")
def pulling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that may fetch from this machine."""
    data = tmp_path_factory.mktemp("pulling") / "data"
    with Stack(data, free_offset(), variables={"STREAMKEEP_ALLOWED_NETWORKS": "127.0.0.0/8"}) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGateway]:
    """Another's RTMP server."""
    with open_gateway(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve what lies in a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@contextmanager
def playlist(folder: Path, clip: Path) -> Iterator[str]:
    """Serve a clip as live HLS, again and again: its timestamps begin anew each time."""
    argv: list[str | Path] = [
        "setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1",
        "-i", clip, "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_flags", "delete_segments+temp_file",
        folder / "live.m3u8",
    ]  # fmt: skip
    with served(folder) as address, subprocess.Popen(argv) as cutting:
        eventually((folder / "live.m3u8").exists, what="a playlist")
        try:
            yield f"{address}/live.m3u8"
        finally:
            cutting.kill()


def start(stack: Stack, channel_id: str) -> None:
    stack.api.post(f"/channels/{channel_id}/start").raise_for_status()


def pullers(stack: Stack) -> list[psutil.Process]:
    return [each for each in stack.family() if "services.puller" in command(each)]


def opened(stack: Stack, channel_id: str) -> int:
    """Count how often the channel's source came on air."""
    lines = stack.log.read_text().splitlines()
    return sum("source_opened" in line and channel_id in line for line in lines)


def parts(stack: Stack, channel_id: str) -> int:
    return len(stack.session(channel_id)["parts"])


def test_a_source_that_died_and_came_back_is_captured_in_one_session_with_the_gap_declared(
    pulling: Stack, elsewhere: OpenGateway, media: Media
) -> None:
    url, clip = f"{elsewhere.url}/cam?token=s3cret", media.file(WITH_SOUND)
    channel_id = pulling.create(source_url=url, image_time=1)["id"]
    with Publisher(url, clip):
        start(pulling, channel_id)
        pulling.wait_for_state(channel_id, "live", within=10)
        lines = [" ".join(command(each)) for each in pulling.family()]
        eventually(lambda: pulling.session(channel_id)["counts"]["snapshots"], what="a snapshot")
    pulling.wait_for_state(channel_id, "interrupted", within=10)
    with Publisher(url, clip):
        pulling.wait_for_state(channel_id, "live", within=20)
        eventually(lambda: parts(pulling, channel_id) >= 2, what="a second part")
        pulling.api.post(f"/channels/{channel_id}/stop").raise_for_status()
        eventually(lambda: not pullers(pulling), within=3, what="nothing is fetched")
        eventually(lambda: pulling.session(channel_id)["state"] == "ended", what="the end of the session")
    stopped = pulling.channel(channel_id)

    assert len(pulling.sessions(channel_id)) == 1
    assert "publisher_away" in [gap["cause"] for gap in pulling.session(channel_id)["gaps"]]
    assert (stopped["state"], stopped["pulling"]) == ("blocked", False)
    assert not any("s3cret" in line for line in lines)
    assert "s3cret" not in pulling.log.read_text()


def test_a_playlist_is_captured_over_its_discontinuities_and_another_source_takes_its_place(
    pulling: Stack, elsewhere: OpenGateway, media: Media, tmp_path: Path
) -> None:
    clip = media.file(Clip(seconds=3, gop_seconds=1))
    with playlist(tmp_path, clip) as url, Publisher(f"{elsewhere.url}/other", media.file(WIDE)):
        channel_id = pulling.create(source_url=url, hls_time=1)["id"]
        start(pulling, channel_id)
        pulling.wait_for_state(channel_id, "live", within=15)
        eventually(lambda: pulling.session(channel_id)["counts"]["segments"] >= 4, within=15, what="two rounds")
        before = pulling.session(channel_id)
        pulling.api.patch(f"/channels/{channel_id}", json={"source_url": f"{elsewhere.url}/other"}).raise_for_status()
        changed_at = time.monotonic()
        eventually(lambda: opened(pulling, channel_id) == 2, within=10, what="another source")
        print(f"another source was on air after {time.monotonic() - changed_at:.2f} s (3 s wanted)")
        eventually(lambda: parts(pulling, channel_id) > len(before["parts"]), within=10, what="another part")
        after = pulling.session(channel_id)
        pulling.api.post(f"/channels/{channel_id}/complete").raise_for_status()
        pulling.wait_for_state(channel_id, "idle", within=10)

    assert all(gap["cause"] == "not_listening" for gap in before["gaps"])  # before the worker pulled, if at all
    assert len(before["parts"]) == 1
    assert before["parts"][0]["audio"] is not None
    assert after["parts"][-1]["audio"] is None
    assert pulling.channel(channel_id)["pulling"] is False


def test_a_list_that_ends_is_captured_once_in_a_session_that_ends(pulling: Stack, media: Media, tmp_path: Path) -> None:
    clip = media.file(Clip(seconds=3, gop_seconds=1))
    with served(tmp_path) as address:
        cut: list[str | Path] = ["-hls_time", "1", "-hls_list_size", "0", tmp_path / "whole.m3u8"]
        run(["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-c", "copy", *cut])
        channel_id = pulling.create(source_url=f"{address}/whole.m3u8", hls_time=1, reconnect_window=3)["id"]
        start(pulling, channel_id)
        pulling.wait_for_state(channel_id, "live", within=15)
        pulling.wait_for_state(channel_id, "idle", within=25)
        eventually(lambda: pulling.channel(channel_id)["state_reason"], what="a reason")
        (session,) = pulling.sessions(channel_id)
        channel = pulling.channel(channel_id)
        pulling.api.post(f"/channels/{channel_id}/stop").raise_for_status()

    assert (channel["state_reason"]["code"], channel["pulling"]) == ("source_ended", True)
    assert opened(pulling, channel_id) == 1
    assert len(session["parts"]) == 1


def test_an_address_inside_is_refused_with_the_reason(stack: Stack) -> None:
    channel_id = stack.create(source_url="rtmp://localhost:1935/stream/x")["id"]
    start(stack, channel_id)

    reason = eventually(lambda: stack.channel(channel_id)["state_reason"], what="a reason")
    stack.api.post(f"/channels/{channel_id}/stop").raise_for_status()

    assert reason["code"] == "source_unavailable"
    assert "STREAMKEEP_ALLOWED_NETWORKS" in reason["detail"]
    assert "127.0.0.1" not in reason["detail"]


def test_fetching_outlives_the_gateways_app_and_the_stack(pulling: Stack, elsewhere: OpenGateway, media: Media) -> None:
    url = f"{elsewhere.url}/lasting"
    channel_id = pulling.create(source_url=url)["id"]
    with Publisher(url, media.file(WITH_SOUND)):
        start(pulling, channel_id)
        pulling.wait_for_state(channel_id, "live", within=10)
        (puller,) = pullers(pulling)
        gateway = pulling.process_with("services.gateway")
        assert gateway is not None
        gateway.kill()
        gateway.wait(5)
        eventually(lambda: pulling.api.get("/readyz").status_code == 200, what="the stack is whole again")
        still = [each.pid for each in pullers(pulling)]
        pulling.stop()
        assert not puller.is_running()
        pulling.start()
        pulling.wait_for_state(channel_id, "live", within=15)
        pulling.api.delete(f"/channels/{channel_id}").raise_for_status()
        eventually(lambda: not pullers(pulling), within=3, what="nothing is fetched")

    assert still == [puller.pid]
