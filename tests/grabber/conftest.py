from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.doubles.sources import SourceServer, source_server
from tests.grabber.pictures import Frames
from tests.grabber.service import Service, grab_service
from tests.media import Clip, Media, run

SECONDS = 12
CLIP = Clip(seconds=SECONDS)


@pytest.fixture(scope="session")
def clip(media: Media) -> Path:
    """A stream of 12 s with B-frames, sound and a keyframe every 2 s."""
    return media.file(CLIP)


@pytest.fixture(scope="session")
def web_folder(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as HLS in both forms and encrypted, and as files with the index in front and behind."""
    folder = tmp_path_factory.mktemp("web")
    copy: list[str | Path] = ["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", clip, "-c", "copy"]
    hls: list[str | Path] = ["-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod"]
    run([*copy, *hls, folder / "vod.m3u8"])
    fmp4: list[str | Path] = ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"]
    run([*copy, *hls, *fmp4, folder / "fmp4.m3u8"])
    (folder / "secret.key").write_bytes(bytes(range(16)))
    (folder / "key.txt").write_text(f"secret.key\n{folder / 'secret.key'}\n")
    run([*copy, *hls, "-hls_key_info_file", folder / "key.txt", folder / "aes.m3u8"])
    run([*copy, folder / "behind.mp4"])
    run([*copy, "-movflags", "+faststart", folder / "front.mp4"])
    run([*copy, "-f", "mpegts", folder / "whole.ts"])
    shutil.copy(clip, folder / "whole.flv")
    return folder


@pytest.fixture
def web(web_folder: Path) -> Iterator[SourceServer]:
    with source_server(web_folder) as server:
        yield server


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that lets sources lead to this machine."""
    with ExitStack() as stack:
        yield grab_service(stack, tmp_path_factory.mktemp("open"), "127.0.0.0/8")


@pytest.fixture(scope="session")
def strict_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as it comes: sources lead to public addresses only."""
    with ExitStack() as stack:
        yield grab_service(stack, tmp_path_factory.mktemp("strict"), "")


@pytest.fixture(scope="session")
def frames(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """The frames of the stream, by which a picture is told."""
    return Frames(clip, tmp_path_factory.mktemp("compared"))
