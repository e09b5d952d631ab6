"""What an outage of the sinks costs: `python -m tests.bench.outage [--seconds N] [--sink webhook|sqs|kafka|all]`.

A channel is live with a picture each second; its sinks die together for N seconds and come back. A log of events stays.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from services.domain import keys, times
from tests.bench.latency import percentile
from tests.bench.outage_sinks import Hook, Queue, Told, Topic, sinks
from tests.bench.table import table, verdict
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.media import Clip, Media
from tests.waiting import eventually

BEFORE_SECONDS = 60.0
CATCH_UP_SECONDS = 75.0
"""A probe comes at most 40 s after the end of the outage; then comes all that waited, at the sink's pace."""
START_SECONDS = 20.0
HEAD = ("sink", "events", "lost", "repeated", "out of order", "taken while away", "first after", "all after", "")
_NEVER = threading.Event()
Sink = Hook | Queue | Topic


def store_seconds(stack: Stack, since: float, until: float) -> list[float]:
    """Give how long after their capture the pictures of a span lay in the store."""
    found = []
    for path in stack.objects("snapshots/*/*/**/*.jpg"):
        captured = keys.captured_at(str(path.relative_to(stack.objects_folder))).timestamp()
        if since <= captured < until:
            found.append(path.stat().st_mtime - captured)
    return found


def happened_at(told: Told) -> float:
    """Give when it was there to be told, 0 for what is told long after its time: a recording's is its beginning."""
    is_picture = told.envelope["type"] == "snapshot.created"
    return times.parse(told.envelope["time"]).timestamp() if is_picture else 0.0


def row(sink: Sink, logged: Sequence[dict[str, str]], away_from: float) -> tuple[tuple[str, ...], bool]:
    """Compare what a sink was told with the log, which was never away."""
    told, back_at = sink.told, sink.back_at
    ids = [each.envelope["id"] for each in told]
    first = {each.envelope["id"]: each.envelope["sequence"] for each in reversed(told)}
    sequences = [first[name] for name in dict.fromkeys(ids)]
    lost = {each["id"] for each in logged} - set(ids)
    misplaced = sum(second < before for before, second in pairwise(sequences))
    meanwhile = sum(away_from + 1 < each.at < back_at for each in told)
    noticed = min((each.at for each in told if each.at >= back_at), default=back_at) - back_at
    late = [each.at for each in told if away_from <= happened_at(each) < back_at]
    caught_up = max(late, default=back_at) - back_at
    is_kept = not lost and not misplaced and caught_up < CATCH_UP_SECONDS
    cells = (len(first), len(lost), len(ids) - len(first), misplaced, meanwhile)
    spans = (f"{noticed:.1f} s", f"{caught_up:.1f} s", verdict(is_kept=is_kept))
    return (sink.name, *map(str, cells), *spans), is_kept


def walked(stack: Stack, made: Sequence[Sink], clip: Path, seconds: float) -> bool:
    """Broadcast before, during and after the outage; print what happened."""
    channel = stack.create(image_time=1)
    with Publisher(channel["publish"]["url"], clip):
        eventually(lambda: len(store_seconds(stack, 0, time.time())) > 2, within=START_SECONDS, what="pictures")
        began = time.time()
        _NEVER.wait(min(BEFORE_SECONDS, seconds))
        away_from = time.time()
        outages = [threading.Thread(target=each.be_away, args=(seconds,)) for each in made]
        for outage in outages:
            outage.start()
        for outage in outages:
            outage.join()
        back_at = time.time()
        _NEVER.wait(min(CATCH_UP_SECONDS, seconds))
    stack.api.post(f"/channels/{channel['id']}/complete").raise_for_status()
    logged = eventually(lambda: ended(stack), within=30, what="the session's end is told")
    for sink in made:
        eventually(partial(has_heard, sink, logged[-1]["id"]), within=90, what=f"{sink.name} hears of the end")
    gaps = stack.session(channel["id"])["gaps"]
    before, during = store_seconds(stack, began, away_from), store_seconds(stack, away_from, back_at)
    rows = [row(sink, logged, away_from) for sink in made]
    print(f"\n{len(logged)} events in {time.time() - began:.0f} s, {seconds:g} s of them without the sinks\n")
    print(table(HEAD, [cells for cells, _ in rows]))
    for name, found in (("before", before), ("during", during)):
        print(f"pictures {name}: {len(found)}, in the store {percentile(found, 0.5) * 1000:.0f} ms (p50) and "
              f"{percentile(found, 0.95) * 1000:.0f} ms (p95) after their capture")  # fmt: skip
    print(f"gaps: {len([gap for gap in gaps if gap['cause'] not in ('publisher_away', 'not_listening')])}")
    return all(is_kept for _, is_kept in rows)


def has_heard(sink: Sink, event_id: str) -> bool:
    """Say whether a sink was told of an event."""
    return any(each.envelope["id"] == event_id for each in sink.told)


def ended(stack: Stack) -> list[dict[str, str]] | None:
    """Give what the log was told, once the end of the session is among it."""
    path = stack.data / "told.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return told if told and told[-1]["type"] == "session.ended" else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if nothing was lost and everything came in order and in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sink", choices=("webhook", "sqs", "kafka", "all"), default="all")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="streamkeep-outage-") as name, sinks(given.sink) as made:
        folder = Path(name)
        spelled = [{"name": each.name, "url": each.url} for each in made]
        spelled.append({"name": "log", "url": f"log:{folder / 'data/told.jsonl'}"})
        variables = {"STREAMKEEP_SINKS": json.dumps(spelled)}
        for each in made:
            variables |= each.variables
        with Stack(folder / "data", free_offset(), variables=variables) as stack:
            is_kept = walked(stack, made, Media(folder).file(Clip(gop_seconds=1)), given.seconds)
    return 0 if is_kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
