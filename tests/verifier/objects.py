"""Every listed object is there and whole, under the right name; and nothing else is."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from tests.verifier import media
from tests.verifier.record import PLURALS, Entry, Record
from tests.verifier.report import Report
from tests.verifier.stored import Stored

_STAMP = "%Y%m%dT%H%M%S.%f"
_EXIF_BYTES = 4096
_MOMENT = re.compile(rb"(\d{4}:\d\d:\d\d \d\d:\d\d:\d\d)\0")
_FRACTION = re.compile(rb"\x92\x91\0\x02\0\0\0\x04(\d{3})\0")  # SubSecTimeOriginal, big-endian
STAMP_SECONDS = 0.9
"""By how much the first picture of a part may be off: it was taken before the worker said where the part begins."""
_DATED = {"snapshot": ("snapshots", "jpg"), "recording": ("recordings", "mp4")}


def check(stored: Stored, record: Record, report: Report) -> None:
    """Check every listed object, and after the end that there are no others."""
    for entry in record.entries:
        _check_bytes(stored, entry, report)
        _check_key(record, entry, report)
        _check_sizes(stored, entry, report)
        if entry.kind == "snapshot" and entry.key in stored.sizes:
            _check_stamp(stored, record, entry, report)
    for key, count in Counter(entry.key for entry in record.entries).items():
        if count > 1:
            report.find("listed_twice", key)
    for kind in PLURALS:
        entries = sorted(record.of(kind), key=lambda entry: entry.key)
        for before, after in itertools.pairwise(entries):
            if after.at < before.at:
                report.find("listing_order", f"{after.key} was captured before {before.key}")
    _check_totals(record, report)
    if record.is_over:
        _check_strays(stored, record, report)


def _check_bytes(stored: Stored, entry: Entry, report: Report) -> None:
    if entry.key not in stored.sizes:
        report.find("object_missing", entry.key)
        return
    if stored.sizes[entry.key] != entry.bytes:
        report.find("object_bytes", f"{entry.key} has {stored.sizes[entry.key]} bytes, listed are {entry.bytes}")
    with stored.path(entry.key).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
            report.find("object_sha256", entry.key)


def _check_key(record: Record, entry: Entry, report: Report) -> None:
    session = record.head["id"]
    if entry.kind == "segment":
        if not re.fullmatch(rf"hls/{re.escape(record.channel)}/{session}/\d{{9}}\.ts", entry.key):
            report.find("key_form", entry.key)
        elif int(entry.key[-12:-3]) != entry.more.get("media_sequence"):
            report.find("key_time", f"{entry.key} has media sequence {entry.more.get('media_sequence')}")
        return
    folder, ending = _DATED[entry.kind]
    at = datetime.fromtimestamp(entry.at, UTC)
    hour = f"{folder}/{re.escape(record.channel)}/{at:%Y/%m/%d/%H}/{session}"
    if not re.fullmatch(rf"{hour}/\d{{8}}T\d{{6}}\.\d{{3}}Z\.{ending}", entry.key):
        report.find("key_form", entry.key)
        return
    stamp = entry.key.rpartition("/")[2].removesuffix(f"Z.{ending}")
    if datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) != at:
        report.find("key_time", f"{entry.key} is listed as captured at {at.isoformat()}")


def _check_sizes(stored: Stored, entry: Entry, report: Report) -> None:
    """A picture in other sizes is as much there as in its own."""
    widths = [size["width"] for size in entry.more.get("sizes", ())]
    if widths != sorted(set(widths)) or any(width >= (entry.more["width"] or 0) for width in widths):
        report.find("sizes", f"{entry.key} is listed in widths of {widths} besides {entry.more.get('width')}")
    for size in entry.more.get("sizes", ()):
        other = replace(entry, key=size["key"], bytes=size["bytes"], sha256=size["sha256"], more={})
        _check_bytes(stored, other, report)
        if other.key != f"{entry.key.removesuffix('.jpg')}-w{size['width']}.jpg":
            report.find("key_form", other.key)
        elif other.key in stored.sizes:
            found = media.jpeg_size(stored.path(other.key))
            if found != (size["width"], size["height"]):
                report.find("picture_size", f"{other.key} is {found}, listed as {size['width']}x{size['height']}")


def _check_stamp(stored: Stored, record: Record, entry: Entry, report: Report) -> None:
    """A picture says itself when it was captured, and in which session."""
    with stored.path(entry.key).open("rb") as file:
        exif = file.read(_EXIF_BYTES)
    told, fraction = _MOMENT.search(exif), _FRACTION.search(exif)
    if told is None or fraction is None or f"{record.head['id']}\0".encode() not in exif:
        report.find("picture_unstamped", entry.key)
        return
    moment = datetime.strptime(told[1].decode(), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    at = moment.timestamp() + int(fraction[1]) / 1000
    if abs(at - entry.at) > STAMP_SECONDS:
        report.find("picture_time", f"{entry.key} says of itself {at - entry.at:+.3f} s")


def _check_totals(record: Record, report: Report) -> None:
    true = {plural: sum(entry.kind == kind for entry in record.entries) for kind, plural in PLURALS.items()}
    true["bytes"] = sum(entry.bytes for entry in record.entries)
    told = record.head["counts"]
    if any(told.get(name, 0) != value for name, value in true.items()):
        report.find("totals", f"the head says {told}, listed are {true}")


def _check_strays(stored: Stored, record: Record, report: Report) -> None:
    session = record.head["id"]
    listed = {entry.key for entry in record.entries} | record.named
    listed |= {size["key"] for entry in record.entries for size in entry.more.get("sizes", ())}
    listed.add(f"hls/{record.channel}/{session}/vod.m3u8")
    sprites = f"hls/{record.channel}/{session}/sprite"  # checked by their own list
    for key in stored.sizes:
        if f"/{session}/" in f"/{key}" and key not in listed and not key.startswith(sprites):
            report.find("object_unlisted", key)
