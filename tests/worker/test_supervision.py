"""What a running worker does when what it runs, or what it stands on, fails."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from services.domain import keys
from services.domain.clock import SystemClock
from services.domain.manifest import Gap, decode_head
from services.domain.session import SessionState
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.rtmp import DATA, Connection, read_flv
from tests.waiting import eventually
from tests.worker.a_worker import CHANNEL, SESSION, AWorker, publishing

CLIP = Clip(seconds=30, gop_seconds=1)


def another_ffmpeg(worker: AWorker, than: psutil.Process, within: float) -> psutil.Process:
    def look() -> psutil.Process | None:
        found = worker.ffmpeg()
        return None if found is None or found.pid == than.pid else found

    return eventually(look, within=within, what="another ffmpeg")


def the_ffmpeg(worker: AWorker) -> psutil.Process:
    return eventually(worker.ffmpeg, what="an ffmpeg")


def test_the_next_worker_needs_no_store_to_know_where_a_session_is(worker: AWorker) -> None:
    folder = worker.spool.parent / "objects"
    folder.mkdir(exist_ok=True)
    (folder / "sessions").write_bytes(b"no manifest can be stored here")
    worker.on_air()
    kept = worker.spool / SESSION / "head.json"

    assert decode_head(eventually(lambda: kept.read_bytes() if kept.is_file() else None, what="a copy")).epoch == 1


def test_a_worker_that_waits_for_a_store_that_never_answers_ends_when_it_is_asked_to(
    tmp_path: Path, gateway: OpenGateway
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = {
            "STREAMKEEP_STORE": "s3",
            "STREAMKEEP_BUCKET": "bucket",
            "STREAMKEEP_OBJECTS_PATH": "",
            "STREAMKEEP_STOP_SECONDS": "1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
        }
        with AWorker(tmp_path, gateway, **variables) as worker:
            worker.on_air()
            eventually(worker.ffmpeg, what="a first worker")
            worker.signal(signal.SIGKILL)
            worker.wait(5)
            shutil.rmtree(worker.spool)
            worker.start()
            eventually((worker.spool / SESSION / "ledger.jsonl").is_file, what="a second one")
            worker.signal(signal.SIGTERM)

            assert worker.wait(12) == 1
            assert "asked to stop" in worker.said("worker_cannot_start")[0]["error"]


def test_a_worker_that_finds_no_spool_to_write_to_says_so_and_begins_when_there_is_one(
    tmp_path: Path, gateway: OpenGateway
) -> None:
    with AWorker(tmp_path, gateway) as worker:
        worker.spool.write_text("no folder")
        worker.on_air()
        reason = eventually(lambda: worker.session().state_reason, what="the reason is said")
        worker.spool.unlink()
        eventually(worker.ffmpeg, what="capture begins")

    assert reason.code == "spool_unavailable"


def wait_for_pictures(worker: AWorker, more: int) -> None:
    """Wait for so many more pictures than there are now."""
    pattern = "snapshots/*/2*/**/*.jpg"
    wanted = len(worker.stored(pattern)) + more
    eventually(lambda: len(worker.stored(pattern)) >= wanted, what=f"{more} more pictures")


def gaps(worker: AWorker, cause: str) -> list[Gap]:
    head = worker.head()
    return [] if head is None else [gap for gap in head.gaps if gap.cause == cause]


def control_url(worker: AWorker) -> str | None:
    lease = worker.state.leases.get(SESSION)
    return lease.control_url if lease is not None else None


def take_over(worker: AWorker) -> None:
    """Record a newer epoch, as if the worker's term had run out."""
    later = SystemClock().now() + timedelta(hours=1)
    worker.state.leases.claim(SESSION, "another", ttl=timedelta(minutes=1), now=later)


def test_a_killed_ffmpeg_is_replaced_within_two_seconds(worker: AWorker, gateway: OpenGateway, media: Media) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(2)
        for _ in range(2):
            ffmpeg = the_ffmpeg(worker)
            ffmpeg.kill()
            another_ffmpeg(worker, ffmpeg, within=2)
            worker.wait_for_segments(2, within=8)
        eventually(lambda: len(gaps(worker, "ffmpeg_lost")) == 2, what="the gaps")
        lost = gaps(worker, "ffmpeg_lost")

    assert max(gap.ended_at - gap.started_at for gap in lost) < timedelta(seconds=3)


def test_an_ffmpeg_that_keeps_dying_is_started_ever_later(worker: AWorker, gateway: OpenGateway, media: Media) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(1)
        ffmpeg = the_ffmpeg(worker)
        for _ in range(5):
            ffmpeg.kill()
            ffmpeg = another_ffmpeg(worker, ffmpeg, within=6)
    pauses = [line["seconds"] for line in worker.said("ffmpeg_waits")]

    assert len(pauses) >= 3
    assert pauses == sorted(set(pauses))


def test_a_killed_picture_child_costs_pictures_for_two_seconds(
    worker: AWorker, gateway: OpenGateway, media: Media
) -> None:
    worker.on_air(image_time=0.5)
    with publishing(media.file(CLIP), gateway):
        for _ in range(3):
            wait_for_pictures(worker, 1)
            child = eventually(lambda: worker.program("services.worker.pictures.picture"), what="a picture child")
            child.kill()
            killed = time.monotonic()
            child.wait(5)
            wait_for_pictures(worker, 1)
            assert time.monotonic() - killed < 3  # a picture of before may still have been on its way
    head = eventually(worker.head, what="the head")

    assert len(head.parts) == 1


def test_a_newer_epoch_ends_the_worker_within_four_seconds(worker: AWorker, gateway: OpenGateway, media: Media) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(2)
        take_over(worker)
        returncode = worker.wait(within=4)

    assert returncode == 3
    assert worker.ffmpeg() is None


def test_a_worker_that_thaws_after_its_term_writes_nothing_any_more(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    head = keys.head(CHANNEL, SESSION)
    with AWorker(tmp_path, gateway, STREAMKEEP_LEASE_SECONDS="3") as worker, publishing(media.file(CLIP), gateway):
        worker.on_air()
        worker.wait_for_segments(2)
        worker.signal(signal.SIGSTOP)
        lease = worker.state.leases.get(SESSION)
        assert lease is not None
        eventually(lambda: not lease.is_valid(SystemClock().now()), what="the term is over")
        take_over(worker)
        worker.objects.replace(head, b"a newer worker's", etag=worker.objects.read(head).etag)
        before = worker.stored()
        worker.signal(signal.SIGCONT)
        returncode = worker.wait(within=6)

        assert returncode == 3
        assert worker.stored() == before
        assert worker.objects.read(head).body == b"a newer worker's"


def test_what_state_could_not_take_it_learns_when_it_is_back(
    worker: AWorker, gateway: OpenGateway, media: Media, tmp_path: Path
) -> None:
    """A lock keeps every writer out of the state file; an ffmpeg dies meanwhile."""
    worker.on_air()
    eventually(lambda: worker.state.leases.get(SESSION), what="the worker holds the session")
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with publishing(media.file(CLIP), gateway):
            worker.wait_for_segments(2)
            ffmpeg = the_ffmpeg(worker)
            ffmpeg.kill()
            another_ffmpeg(worker, ffmpeg, within=3)
            worker.wait_for_segments(3)
            eventually(lambda: worker.said("state_away"), what="it is said that state is away")
            was = worker.session().state
            lock.execute("ROLLBACK")
            eventually(lambda: worker.session().state is SessionState.LIVE, within=10, what="state is true again")

    assert was is SessionState.STARTING


def test_a_control_address_that_state_could_not_take_is_recorded_when_it_is_back(
    worker: AWorker, gateway: OpenGateway, media: Media, tmp_path: Path
) -> None:
    worker.on_air()
    eventually(lambda: worker.state.leases.get(SESSION), what="the worker holds the session")
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        assert worker.state.leases.get(SESSION) is not None
        with publishing(media.file(CLIP), gateway):
            eventually(lambda: worker.said("state_away"), within=15, what="it is said that state is away")
        lock.execute("ROLLBACK")
        address = eventually(lambda: control_url(worker), what="the address")

    assert address.startswith("http://127.0.0.1:")


def test_a_spool_folder_that_is_removed_is_said_and_capture_goes_on(
    worker: AWorker, gateway: OpenGateway, media: Media
) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(3)
        shutil.rmtree(worker.spool)
        removed = time.monotonic()
        eventually(lambda: worker.said("capture_interrupted"), within=3, what="it is said")
        noticed = time.monotonic() - removed
        worker.wait_for_segments(3)
        eventually(lambda: gaps(worker, "disk_full"), what="the gap")
        worker.signal(signal.SIGTERM)
        assert worker.wait(within=15) == 0

    assert [line["code"] for line in worker.said("capture_interrupted")] == ["spool_unavailable"]
    assert noticed < 2.5


def test_a_spool_that_cannot_be_made_is_said_until_it_can(worker: AWorker, gateway: OpenGateway, media: Media) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(2)
        shutil.rmtree(worker.spool)
        worker.spool.write_text("in the way")
        reason = eventually(lambda: worker.session().state_reason, within=4, what="the reason is said")
        worker.spool.unlink()
        worker.wait_for_segments(2)
        eventually(lambda: worker.session().state is SessionState.LIVE, what="live again")

    assert reason.code == "spool_unavailable"
    assert str(worker.spool) in reason.detail


def test_a_stop_closes_and_ships_everything_and_a_second_one_changes_nothing(
    worker: AWorker, gateway: OpenGateway, media: Media
) -> None:
    worker.on_air()
    with publishing(media.file(CLIP), gateway):
        worker.wait_for_segments(3)
        asked = time.monotonic()
        worker.signal(signal.SIGTERM)
        eventually(lambda: worker.said("stop_asked"), what="the stop is heard")
        worker.signal(signal.SIGTERM)
        returncode = worker.wait(within=20)
        took = time.monotonic() - asked

    assert returncode == 0
    assert took < 20
    assert len(worker.stored("recordings/**/*.mp4")) == 1
    left = [path for path in worker.spool.rglob("*") if path.suffix in {".ts", ".mp4", ".jpg"}]
    assert {path.parent.name for path in left} == {"sheet-000000"}  # the open sheet's tiles, for the next worker
    head = worker.head()
    assert head is not None
    assert head.parts[-1].ended_at is not None


@pytest.mark.parametrize("sends", ["nothing", "metadata"])
def test_a_silent_publisher_is_told_within_ten_seconds_and_is_no_respawn_loop(
    worker: AWorker, gateway: OpenGateway, media: Media, sends: str
) -> None:
    worker.on_air()
    tags = [tag for tag in read_flv(media.file(CLIP)) if tag.kind == DATA and sends == "metadata"]
    with Connection(f"{gateway.url}/{CHANNEL}") as connection:
        connected = time.monotonic()
        for tag in tags:
            connection.send(tag)
        eventually(lambda: worker.session().state is SessionState.INTERRUPTED, within=10, what="it is interrupted")
        reason = worker.session().state_reason
        eventually(lambda: time.monotonic() - connected > 18, within=20, what="some time")
    runs = len(list((worker.spool / SESSION).glob("e*-r*")))

    assert reason is not None
    assert reason.code == "publisher_silent"
    assert runs <= 4
