from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.adapters.sqlite_state import SqliteState
from services.admin import exporting, transfer_file
from services.admin.entry import Entry
from services.admin.importing import Tally, import_all
from services.admin.transfer_file import BadFile
from services.domain.channel import Channel
from services.domain.errors import StateUnavailable
from services.domain.event import Event
from services.domain.ports import ChannelStore, SessionStore
from services.domain.records import channel_record
from services.domain.session import Air, Session
from tests.admin.records import contents
from tests.examples import NOW, a_channel, a_session


def exported(state: State) -> io.BytesIO:
    file = io.BytesIO()
    transfer_file.write(exporting.entries(state.channels, state.sessions, state.overview), file, made_at=NOW)
    return file


def imported(file: io.BytesIO, state: State, told: list[str] | None = None) -> Tally:
    heard: list[str] = [] if told is None else told
    return import_all(file, state.channels, state.sessions, heard.append)


def lines(file: io.BytesIO) -> list[bytes]:
    return file.getvalue().splitlines(keepends=True)


def changed(file: io.BytesIO, change: Callable[[list[bytes]], list[bytes]]) -> io.BytesIO:
    return io.BytesIO(b"".join(change(lines(file))))


def test_all_records_arrive_as_they_were(source: SqliteState, target: SqliteState) -> None:
    tally = imported(exported(source), target)

    assert contents(target) == contents(source)
    assert tally.added == {"channel": 4, "session": 7, "air": 3}


def test_a_channel_keeps_its_version(source: SqliteState, target: SqliteState) -> None:
    imported(exported(source), target)

    assert target.channels.get("hostile").version == 8


def test_a_session_and_what_a_channel_is_doing_can_go_on_from_where_they_are(
    source: SqliteState, target: SqliteState
) -> None:
    imported(exported(source), target)
    target.sessions.save(
        session=target.sessions.get("open").ended(NOW), air=target.sessions.air("camera").changed(session_id=None)
    )

    assert target.sessions.open_sessions() == []


def test_records_are_read_page_by_page_and_none_is_left_out(source: SqliteState, target: SqliteState) -> None:
    many = exporting.PAGE * 2 + 1
    for number in range(many):
        source.channels.add(a_channel(f"c-{number}", created_at=NOW + timedelta(seconds=number // 2)))
        gone = a_session(f"s-{number}", channel_id=f"gone-{number}", started_at=NOW + timedelta(seconds=number // 2))
        source.sessions.save(session=gone, air=Air(channel_id=gone.channel_id).opened(gone.id))
    imported(exported(source), target)

    assert contents(target) == contents(source)
    assert len(target.channels.page(10_000)) == many + 4


def test_an_import_that_is_run_again_changes_nothing(source: SqliteState, target: SqliteState) -> None:
    file = exported(source)
    imported(file, target)
    before = contents(target)
    again = imported(file, target)

    assert again.there == {"channel": 4, "session": 7, "air": 3}
    assert (again.added, again.conflicts) == ({}, {})
    assert contents(target) == before


def test_what_is_there_with_other_content_is_named_and_left(source: SqliteState, target: SqliteState) -> None:
    target.channels.add(a_channel("camera", name="mine"))
    target.sessions.save(session=a_session("open", channel_id="camera"))
    target.sessions.save(air=Air(channel_id="blocked").changed())
    mine = contents(target)
    told: list[str] = []
    tally = imported(exported(source), target, told)

    assert tally.conflicts == {"channel": 1, "session": 1, "air": 1}
    assert sorted(line.split(" is ")[0] for line in told) == ["air blocked", "channel camera", "session open"]
    for kind, records in mine.items():
        assert contents(target)[kind].items() >= records.items()


class Budget:
    """Lets so many writes through, then none."""

    def __init__(self, state: State, writes: int) -> None:
        self.channels: ChannelStore = _Channels(self, state.channels)
        self.sessions: SessionStore = _Sessions(self, state.sessions)
        self.left = writes

    def spend(self) -> None:
        if not self.left:
            raise StateUnavailable
        self.left -= 1


class _Channels:
    def __init__(self, budget: Budget, inner: ChannelStore) -> None:
        self._budget, self._inner = budget, inner
        self.get, self.replace, self.remove, self.page = inner.get, inner.replace, inner.remove, inner.page

    def add(self, channel: Channel) -> None:
        self._budget.spend()
        self._inner.add(channel)


class _Sessions:
    def __init__(self, budget: Budget, inner: SessionStore) -> None:
        self._budget, self._inner = budget, inner
        self.air, self.get, self.page, self.open_sessions = inner.air, inner.get, inner.page, inner.open_sessions
        self.removals, self.forget = inner.removals, inner.forget

    def save(self, *, session: Session | None = None, air: Air | None = None, events: Sequence[Event] = ()) -> None:
        self._budget.spend()
        self._inner.save(session=session, air=air, events=events)


def test_an_import_that_ends_between_any_two_writes_is_completed_by_the_next(
    source: SqliteState, tmp_path: Path
) -> None:
    file = exported(source)
    whole = contents(source)
    for writes in range(14):
        with SqliteState(tmp_path / f"{writes}.db") as state:
            cut = Budget(state, writes)
            with pytest.raises(StateUnavailable):
                import_all(file, cut.channels, cut.sessions, print)
            half = contents(state)
            tally = imported(file, state)

            assert tally.there.total() == writes
            assert not tally.conflicts
            assert contents(state) == whole
            # Whoever could publish finds the ban that keeps him out, and the session that he resumes.
            assert all(half["airs"].get(name) == whole["airs"].get(name) for name in half["channels"])
            assert not half["channels"] or half["sessions"] == whole["sessions"]


def test_a_channel_that_was_stored_before_it_was_too_large_is_exported_and_its_import_refused_before_the_rest(
    source: SqliteState, target: SqliteState, tmp_path: Path
) -> None:
    grown = channel_record(a_channel("grown")) | {"older_fields": {"ld": "x" * 500_000}}
    source.channels.add(a_channel("grown"))
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("UPDATE channels SET record = ? WHERE id = 'grown'", (json.dumps(grown),))

    file = exported(source)

    assert source.channels.get("grown").older_fields == grown["older_fields"]
    with pytest.raises(BadFile, match=r"^line \d+: record: takes 500,\d+ bytes, and at most 262,144 can be kept"):
        imported(file, target)
    assert contents(target)["sessions"] == {}


def test_a_file_that_is_cut_off_anywhere_is_refused_before_anything_is_stored(
    source: SqliteState, target: SqliteState
) -> None:
    whole = exported(source).getvalue()
    for length in (0, 1, 40, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        with pytest.raises(BadFile, match=r"^line \d+: (the file is cut off|not the beginning)"):
            imported(io.BytesIO(whole[:length]), target)

    assert contents(target) == {"channels": {}, "sessions": {}, "airs": {}}


def test_a_file_that_is_cut_off_between_two_lines_is_refused(source: SqliteState, target: SqliteState) -> None:
    with pytest.raises(BadFile, match=r"^line 15: the file is cut off: its last line is missing; export again"):
        imported(changed(exported(source), lambda whole: whole[:-2]), target)


def test_a_file_that_lost_a_line_in_its_midst_is_refused(source: SqliteState, target: SqliteState) -> None:
    with pytest.raises(BadFile, match=r"^line 15: tells of other entries than the 13 before it"):
        imported(changed(exported(source), lambda whole: whole[:5] + whole[6:]), target)


def test_two_exports_in_one_file_are_refused(source: SqliteState, target: SqliteState) -> None:
    with pytest.raises(BadFile, match=r"^line 17: there is more after the end"):
        imported(changed(exported(source), lambda whole: whole + whole), target)


def test_a_later_form_of_the_file_is_refused(source: SqliteState, target: SqliteState) -> None:
    with pytest.raises(BadFile, match=r"^line 1: an export of form 2, and 1 is the one known here; upgrade"):
        imported(changed(exported(source), lambda whole: [b'{"streamkeep_export":2}\n', *whole[1:]]), target)


def test_an_export_from_before_a_field_was_there_is_read_with_its_default(
    source: SqliteState, target: SqliteState
) -> None:
    def earlier(whole: list[bytes]) -> list[bytes]:
        return [line.replace(b'"key_secret":"",', b"") for line in whole]

    file = changed(exported(source), earlier)
    imported(file, target)

    assert file.getvalue() != exported(source).getvalue()
    assert contents(target) == contents(source)


SECRET = "s3cret"
NOW_TEXT = "2026-11-20T10:00:00.000Z"
WRONG = {
    "no JSON": (b"{", r"line 3: not JSON"),
    "deep": (b"[" * 100_000, r"line 3: not JSON"),
    "no object": (b"[]", r"line 3: not a JSON object"),
    "no record": (b'{"kind":"channel"}', r"line 3: must have a `kind` and a `record`"),
    "another kind": (b'{"kind":"lease","record":{}}', r"line 3: kind: must be one of channel, air, session"),
    "too long": (b" " * transfer_file.LINE_MAX + b"{}", r"line 3: longer than"),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG)
def test_a_line_that_is_none_of_an_export_is_named(
    source: SqliteState, target: SqliteState, text: bytes, problem: str
) -> None:
    with pytest.raises(BadFile, match=f"^{problem}"):
        imported(changed(exported(source), lambda whole: [*whole[:2], text + b"\n", *whole[2:]]), target)

    assert contents(target)["channels"] == {}


BAD_RECORDS = {
    "missing": ("session", {"started_at": ...}, "started_at: is missing"),
    "unknown": ("session", {"colour": "red"}, "colour: is not known here"),
    "unknown of an air": ("air", {"colour": "red"}, "colour: is not known here"),
    "unknown of a channel": ("channel", {"idd": "x"}, "idd: is not known here"),
    "unknown inside": ("session", {"publisher": {"colour": 1}}, "colour: is not known here"),
    "missing of a channel": ("channel", {"outdate": ...}, "outdate: is missing"),
    "labels": ("channel", {"labels": 7}, "labels: Input should be"),
    "number": ("channel", {"image_time": "x"}, "image_time: Input should be a valid number"),
    "another type": ("session", {"closing": "yes"}, "closing: Input should be a valid boolean"),
    "number for a token": ("session", {"pull_token": 7}, "pull_token: Input should be a valid string"),
    "id that is a path": ("session", {"id": "../../etc"}, "id: an id is 1 to 64"),
    "channel that is a path": ("air", {"channel_id": "a/b"}, "channel_id: an id is 1 to 64"),
    "version": ("session", {"version": 0}, "version: must be at least 1"),
    "counter": ("air", {"media_sequence": -1}, "media_sequence: must be at least 0"),
    "counter of text": ("air", {"media_sequence": "7"}, "media_sequence: Input should be a valid integer"),
    "state": ("session", {"state": "asleep"}, "state: Input should be 'starting'"),
    "time": ("session", {"started_at": "yesterday"}, "started_at: Input should be a valid datetime"),
    "another spelling": ("session", {"started_at": "2026-11-20T11:00:00+01:00"}, "started_at: is not spelled"),
    "inner": ("session", {"publisher": {"gateway": 7}}, "gateway: Input should be a valid string"),
    "ban": ("air", {"block": {"until": None, "reason": 7, "since": "2026-11-20T10:00:00.000Z"}}, "reason: Input"),
    "range": ("channel", {"image_time": 0}, "image_time: must be 0.5 to 86400 seconds"),
    "not a number": ("channel", {"image_time": float("nan")}, "image_time: must be"),
    "half a character": ("channel", {"name": "\ud800"}, "record: holds what is no text"),
    "odd time": ("session", {"started_at": "1763632800"}, "(started_at|record): "),
    "older fields": ("channel", {"older_fields": {"ld": "x" * 70_000}}, "ld: is kept for .*65,536 bytes together"),
    "huge": (
        "session",
        {"state_reason": {"code": "c", "detail": "x" * 300_000, "since": NOW_TEXT}},
        "record: takes 300,",
    ),
}


@pytest.mark.parametrize(("kind", "wrong", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_record_that_is_wrong_is_named_by_line_and_field_and_shows_no_secret(
    source: SqliteState, target: SqliteState, kind: str, wrong: dict[str, object], problem: str
) -> None:
    def spoil(whole: list[bytes]) -> list[bytes]:
        entries = [json.loads(line) for line in whole]
        first = next(entry for entry in entries if entry.get("kind") == kind)
        record = {**first["record"], **({"pull_token": SECRET} if kind == "session" else {}), **wrong}
        first["record"] = {name: value for name, value in record.items() if value is not ...}
        return [json.dumps(entry).encode() + b"\n" for entry in entries]

    with pytest.raises(BadFile, match=rf"^line \d+: ({problem})") as refusal:
        imported(changed(exported(source), spoil), target)

    assert SECRET not in str(refusal.value)
    assert contents(target)["sessions"] == {}


def test_leases_stay_behind(source: SqliteState, target: SqliteState) -> None:
    source.leases.claim("open", "host:1", ttl=timedelta(hours=1), now=NOW)
    imported(exported(source), target)

    assert target.leases.get("open") is None


def test_a_line_of_the_file_is_a_line_whatever_the_records_hold(source: SqliteState) -> None:
    file = exported(source)

    assert file.getvalue().isascii()
    assert len(lines(file)) == 1 + 14 + 1
    assert file.getvalue().count(b"\n") == 16


def test_an_export_of_nothing_can_be_imported(target: SqliteState) -> None:
    file = exported(target)

    assert imported(file, target).added == {}


def test_state_that_changes_while_it_is_exported_gives_an_export_that_can_be_imported(
    source: SqliteState, target: SqliteState
) -> None:
    entries = exporting.entries(source.channels, source.sessions, source.overview)
    file = io.BytesIO()

    def meanwhile() -> Iterator[Entry]:
        for number, entry in enumerate(entries):
            if number == 0:
                source.channels.remove("idle")
                source.channels.add(a_channel("later"))
                source.sessions.save(session=a_session("later"))
            yield entry

    transfer_file.write(meanwhile(), file, made_at=NOW)

    assert not imported(file, target).conflicts
