"""Row "the store is gone for 10 minutes": 25 seconds here, with a spool so small that one channel fills it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.emulators import Emulators
from tests.fault.returning import Return
from tests.fault.stories import Told
from tests.fault.world import World, a_world
from tests.numbered import NumberedMedia

OUTAGE_SECONDS = 25.0
SPOOL_BYTES = 2 * 1024 * 1024
TIMES_REAL_TIME = 5
HLS_SECONDS = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia, emulators: Emulators) -> Iterator[World]:
    """The store is gone while two channels are on air: one takes two pictures a second, which are soon too many."""
    folder, url = tmp_path_factory.mktemp("outage"), emulators.url("ministack")
    variables = {"STREAMKEEP_SPOOL_BYTES": str(SPOOL_BYTES)}
    with a_world(folder, numbered, ministack=url, store="s3", variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def outage(world: World) -> tuple[Told, Told]:
    """Give the channel that keeps all and the one that cannot."""
    frugal, lavish = world.air(image_time=10, hls_time=HLS_SECONDS), world.air(image_time=0.5, video_time=5)
    for air, count in ((lavish, 4), (frugal, 2)):
        air.until_segments(count)
        world.session_ids[air.id] = str(air.session["id"])
    assert world.store is not None
    parts = [len(air.session["parts"]) for air in (frugal, lavish)]
    world.store.fail("gone")
    threading.Event().wait(OUTAGE_SECONDS)
    spool = sum(path.stat().st_size for path in world.spool_files())
    dropped = _dropped(lavish.worker())
    back = Return.of(frugal)
    assert [len(air.session["parts"]) for air in (frugal, lavish)] == parts, "capture has not begun anew"
    for air in (frugal, lavish):
        air.until_segments(2)
        air.end()
    print(f"{OUTAGE_SECONDS:g} s without a store: {spool} bytes in the spool; {back}; dropped {dropped}")
    kept = Told(frugal, {"drained": back.drained, "live": back.live, "latest": back.latest, "waited": back.waited})
    return kept, Told(lavish, {**dropped, "spool": spool})


def _dropped(worker: psutil.Process) -> dict[str, float]:
    """Read in a worker's /metrics how many files of each output it has dropped because of the store."""
    (port,) = {each.laddr.port for each in worker.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status()
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    found = {"snapshots": 0.0, "hls": 0.0, "recordings": 0.0}
    for sample in samples:
        if sample.name == "streamkeep_files_dropped_total" and sample.labels["cause"] == "store_dropped":
            found[sample.labels["output"]] = sample.value
    return found


def test_what_the_spool_can_hold_is_all_shipped_fast_and_the_live_edge_first(outage: tuple[Told, Told]) -> None:
    told, _ = outage

    assert told.report.findings == [], told.whole()
    assert told.lost == 0
    assert told.causes == set()
    assert told.figures["drained"] < OUTAGE_SECONDS / TIMES_REAL_TIME
    assert told.figures["waited"] >= OUTAGE_SECONDS / HLS_SECONDS + OUTAGE_SECONDS / 10
    assert max(told.figures["live"], told.figures["latest"]) < HLS_SECONDS + 2.5, (
        "a probe, and what comes at its own pace"
    )


def test_a_full_spool_drops_pictures_first_and_recordings_last(outage: tuple[Told, Told]) -> None:
    _, told = outage
    gaps = [gap for gap in told.record.gaps if gap.more["cause"] == "store_dropped"]
    pictures = [gap for gap in gaps if gap.more["outputs"] == ["snapshots"]]

    assert told.report.findings == [], told.whole()
    assert told.figures["spool"] < SPOOL_BYTES + 1024 * 1024, "what is open counts for nothing yet"
    assert told.figures["snapshots"] > 0
    assert told.figures["recordings"] == 0
    assert told.report.lost["recordings"].keys() <= {"not_listening"}
    assert pictures
    # What is left of the session's pictures and what is declared missing cover it: nothing vanished in silence.
    covered = sorted([(gap.start, gap.end or gap.start) for gap in pictures])
    times = [entry.at for entry in told.pictures()]
    for before, after in pairwise(times):
        assert after - before < 2.5 or any(start < after and end > before for start, end in covered), told.whole()
    hls = sum(gap.end - gap.start for gap in gaps if gap.more["outputs"] == ["hls"] and gap.end)
    lost = told.report.lost["hls"].get("store_dropped", 0) / 25
    print(f"hls: {hls:.2f} s declared, {lost:.2f} s lost in {told.figures['hls']:g} files")
    assert abs(hls - lost) < 1
    assert bool(hls) == bool(told.figures["hls"])
