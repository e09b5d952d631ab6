"""The verifier finds what is wrong: each test spoils one thing of a sound session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.emulators import Emulators
from tests.fault.world import a_world
from tests.numbered import NumberedMedia
from tests.verifier.report import Report
from tests.verifier.stored import Folder
from tests.verify_session import verify


class Kept:
    """A session as it lies in a folder, with the publisher's log; `copy` is one to spoil."""

    def __init__(self, objects: Path, log: Path, session: str) -> None:
        self.objects, self.log, self.session = objects, log, session

    def copy(self, folder: Path) -> Kept:
        shutil.copytree(self.objects, folder / "objects")
        shutil.copy(self.log, folder / "log")
        return Kept(folder / "objects", folder / "log", self.session)

    def verify(self) -> Report:
        return verify(Folder(self.objects), self.session, frames=self.log)

    def one(self, pattern: str) -> Path:
        """Give the second of the files that match, in the order of their names."""
        return sorted(self.objects.glob(pattern))[1]

    def change_head(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = next(self.objects.glob(f"sessions/*/{self.session}/head.json"))
        head = json.loads(path.read_text())
        change(head)
        path.write_text(json.dumps(head))

    def change_lists(self, change: Callable[[str], str]) -> None:
        for path in self.objects.glob("hls/**/*.m3u8"):
            path.write_text(change(path.read_text()))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Kept:
    """A session with two parts and a gap between them, verified without a finding."""
    folder = tmp_path_factory.mktemp("sound")
    with a_world(folder, numbered) as world:
        air = world.air(video_time=2, image_time=2, hls_time=2, image_sizes=[64, 96])
        air.until_segments(3)
        air.broadcaster.drop(away=4)
        air.until_segments(3)
        air.end()
        kept = Kept(folder / "data/objects", air.broadcaster.log, str(air.session["id"]))
        report = air.verify()
        assert report.findings == [], "\n".join(report.lines())
        assert report.ratio > 0.99
        return kept.copy(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def spoilt(sound: Kept, tmp_path: Path) -> Kept:
    return sound.copy(tmp_path)


@pytest.mark.parametrize("pattern", ["recordings/**/*.mp4", "hls/*/*/*.ts", "snapshots/**/2*.jpg"])
def test_a_changed_byte_is_found(spoilt: Kept, pattern: str) -> None:
    path = spoilt.one(pattern)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)

    assert "object_sha256" in spoilt.verify().names


def test_a_file_cut_short_is_found(spoilt: Kept) -> None:
    path = spoilt.one("recordings/**/*.mp4")
    path.write_bytes(path.read_bytes()[:2000])

    assert {"object_bytes", "unreadable", "frame_lost"} <= spoilt.verify().names


def test_a_segment_that_no_player_can_begin_with_is_found(spoilt: Kept) -> None:
    path = spoilt.one("hls/*/*/*.ts")
    path.write_bytes(path.read_bytes()[3 * 188 :])

    assert "unreadable" in spoilt.verify().names


def test_a_missing_object_is_found(spoilt: Kept) -> None:
    spoilt.one("hls/*/*/*.ts").unlink()

    assert {"object_missing", "playlist_names_missing", "frame_lost"} <= spoilt.verify().names


def test_a_missing_size_of_a_picture_and_one_that_nobody_lists_are_found(spoilt: Kept) -> None:
    size = spoilt.one("snapshots/**/*-w96.jpg")
    size.rename(size.with_name(size.name.replace("-w96", "-w97")))

    assert {"object_missing", "object_unlisted"} <= spoilt.verify().names


def test_a_picture_that_tells_another_time_than_its_name_is_found(spoilt: Kept) -> None:
    path = spoilt.one("snapshots/**/*Z.jpg")
    body = path.read_bytes()
    at = body.index(b":", body.index(b" ", body.index(b"+00:00") - 40))
    path.write_bytes(body[: at - 1] + (b"9" if body[at - 1 : at] != b"9" else b"0") + body[at:])

    assert "picture_time" in spoilt.verify().names


def test_an_object_that_nobody_lists_is_found(spoilt: Kept) -> None:
    path = spoilt.one("recordings/**/*.mp4")
    shutil.copy(path, path.with_name("20300101T000000.000Z.mp4"))

    assert spoilt.verify().names == {"object_unlisted"}


def test_a_gap_that_is_not_declared_is_found(spoilt: Kept) -> None:
    spoilt.change_head(lambda head: head["gaps"].clear())

    assert spoilt.verify().names == {"timeline_hole"}


def test_a_gap_of_which_nothing_is_missing_is_found(spoilt: Kept) -> None:
    def cover_up(head: dict[str, Any]) -> None:
        head["gaps"][0]["from"] = head["parts"][0]["from"]

    spoilt.change_head(cover_up)

    assert spoilt.verify().names == {"recordings_gap_not_missing", "hls_gap_not_missing"}


def test_a_gap_without_a_known_cause_or_outputs_is_found(spoilt: Kept) -> None:
    spoilt.change_head(lambda head: head["gaps"][0].update(cause="bad luck", outputs=["everything"]))

    assert {"gap_cause", "gap_outputs"} <= spoilt.verify().names


def test_a_part_that_is_left_out_is_found(spoilt: Kept) -> None:
    spoilt.change_head(lambda head: head["parts"].pop())

    assert {"part_unknown", "timeline_hole"} <= spoilt.verify().names


def without(head: dict[str, Any], kind: str) -> None:
    entries = [entry for entry in head["tail"] if entry["kind"] == kind]
    head["tail"].remove(entries[1])


@pytest.mark.parametrize(("kind", "output"), [("recording", "recordings"), ("segment", "hls")])
def test_an_entry_that_is_left_out_is_found(spoilt: Kept, kind: str, output: str) -> None:
    spoilt.change_head(lambda head: without(head, kind))

    assert {"object_unlisted", "totals", "frame_lost", f"{output}_hole"} <= spoilt.verify().names


def test_two_segments_that_took_each_others_place_are_found(spoilt: Kept) -> None:
    first, second = sorted(spoilt.objects.glob("hls/*/*/*.ts"))[1:3]
    bodies = first.read_bytes(), second.read_bytes()
    first.write_bytes(bodies[1])
    second.write_bytes(bodies[0])

    def swap(head: dict[str, Any]) -> None:
        """Make the manifest true to the bytes, so that the frames alone can tell."""
        one, other = (
            next(entry for entry in head["tail"] if entry["key"].endswith(path.name)) for path in (first, second)
        )
        for name in ("sha256", "bytes"):
            one[name], other[name] = other[name], one[name]

    spoilt.change_head(swap)

    assert {"frame_order", "segment_clock"} <= spoilt.verify().names


def test_times_that_are_a_second_off_are_found(spoilt: Kept) -> None:
    lines = [json.loads(line) for line in spoilt.log.read_text().splitlines()]
    late = [line | {name: line[name] - 1 for name in ("at", "due") if name in line} for line in lines]
    spoilt.log.write_text("".join(f"{json.dumps(line)}\n" for line in late))

    assert "clock" in spoilt.verify().names


def test_a_frame_that_was_sent_and_is_nowhere_is_found(spoilt: Kept) -> None:
    lines = [json.loads(line) for line in spoilt.log.read_text().splitlines()]
    frames = [line for line in lines if "tick" in line]
    extra = frames[40] | {"tick": frames[40]["tick"] + 1}
    spoilt.log.write_text("".join(f"{json.dumps(line)}\n" for line in [*lines, extra]))
    report = spoilt.verify()

    assert report.names == {"frame_lost"}
    assert report.captured == {"recordings": len(frames), "hls": len(frames)}
    assert report.published == len(frames) + 1


def test_a_frame_that_was_never_sent_is_found(spoilt: Kept) -> None:
    lines = spoilt.log.read_text().splitlines()
    frames = [line for line in lines if "tick" in line]
    spoilt.log.write_text("".join(f"{line}\n" for line in lines if line != frames[30]))

    assert spoilt.verify().names == {"frame_unknown"}


def test_a_frame_that_stands_in_two_files_is_found(spoilt: Kept) -> None:
    """As where a recovered recording holds what its successor holds too."""
    first, second = sorted(spoilt.objects.glob("recordings/**/*.mp4"))[:2]
    first.write_bytes(second.read_bytes())

    assert "frame_twice" in spoilt.verify().names


def drop_tag(text: str, tag: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(tag))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: drop_tag(text, "#EXT-X-ENDLIST"), "playlist_open"),
        (lambda text: drop_tag(text, "#EXT-X-DISCONTINUITY\n".strip()), "playlist_sequence"),
        (lambda text: text.replace("TARGETDURATION:3", "TARGETDURATION:0"), "playlist_illegal"),
        (lambda text: text.replace("TARGETDURATION:3", "TARGETDURATION:4"), "target_changed"),
        (lambda text: text.replace("000000003.ts", "000000999.ts"), "playlist_names_missing"),
        (lambda text: text.replace("MEDIA-SEQUENCE:", "MEDIA-SEQUENCE:1"), "playlist_sequence"),
        (lambda text: text[:-20], "playlist_illegal"),
        (lambda text: drop_tag(text, "#EXT-X-PROGRAM-DATE-TIME"), "playlist_illegal"),
    ],
    ids=["no end", "no discontinuity", "short target", "other target", "no such file", "sequence", "cut", "no time"],
)
def test_a_playlist_that_is_wrong_is_found(spoilt: Kept, change: Callable[[str], str], found: str) -> None:
    spoilt.change_lists(change)

    assert found in spoilt.verify().names


def test_a_segment_that_vod_leaves_out_is_found(spoilt: Kept) -> None:
    path = next(spoilt.objects.glob("hls/*/*/vod.m3u8"))
    path.write_text(drop_tag(path.read_text(), "000000003.ts"))

    assert "vod_incomplete" in spoilt.verify().names


def test_a_key_that_tells_another_time_is_found(spoilt: Kept) -> None:
    def move(head: dict[str, Any]) -> None:
        entry = next(entry for entry in head["tail"] if entry["kind"] == "recording")
        entry["captured_at"] = entry["captured_at"].replace(".", ".9")[:23] + "Z"

    spoilt.change_head(move)

    assert "key_time" in spoilt.verify().names


def test_a_length_that_is_not_the_files_is_found(spoilt: Kept) -> None:
    def stretch(head: dict[str, Any]) -> None:
        next(entry for entry in head["tail"] if entry["kind"] == "recording")["seconds"] += 1

    spoilt.change_head(stretch)

    assert "length" in spoilt.verify().names


def command(place: str, kept: Kept, **variables: str) -> tuple[int, list[str]]:
    argv = [sys.executable, "-m", "tests.verify_session", place, kept.session, "--frames", str(kept.log)]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, **variables}, timeout=60
    )
    return done.returncode, done.stdout.splitlines()


def test_the_command_says_what_it_found_line_by_line(spoilt: Kept) -> None:
    assert command(str(spoilt.objects), spoilt)[0] == 0
    spoilt.change_head(lambda head: head["gaps"].clear())
    status, lines = command(str(spoilt.objects.parent), spoilt)

    assert status == 1
    assert lines[0].startswith("timeline_hole: ")
    assert f"session {spoilt.session}: 1 findings" in lines[-1]
    assert "captured/published" in lines[-1]


def test_the_command_reads_a_bucket(sound: Kept, emulators: Emulators) -> None:
    url, bucket = emulators.url("ministack"), "verified"
    client = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for path in sound.objects.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            client.put_object(Bucket=bucket, Key=path.relative_to(sound.objects).as_posix(), Body=path.read_bytes())
    status, lines = command(f"s3://{bucket}", sound, AWS_ENDPOINT_URL=url)

    assert status == 0, lines


def test_a_session_that_is_not_there_is_found(spoilt: Kept) -> None:
    assert verify(Folder(spoilt.objects), "01hnothing").names == {"head_missing"}
