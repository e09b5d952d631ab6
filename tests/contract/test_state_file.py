"""What is true of the SQLite file besides the contract."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.adapters import (
    sqlite_channels,
    sqlite_errors,
    sqlite_letters,
    sqlite_outbox,
    sqlite_schema,
    sqlite_sessions,
)
from services.adapters.record_text import encoded
from services.adapters.sqlite_channels import SqliteChannels
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_state import SqliteState
from services.domain.errors import ChannelNotFound, StateUnavailable, StreamkeepError
from services.domain.event import CHANNEL_BLOCKED
from services.domain.gateways import Gateway
from services.domain.outbox import KEPT, DeadLetter
from services.domain.records import channel_record
from tests.contract import racing_tasks
from tests.contract.racing import RACERS, Racers
from tests.doubles.still_clock import StillClock
from tests.examples import NOW, a_channel, an_event

A_GATEWAY = Gateway(
    name="gw/1", seen_at=NOW, pull_url="rtmp://10.0.0.7:1935/stream", control_url="http://10.0.0.7:8002"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on demand" / "state.db"


@pytest.fixture
def impatient(path: Path) -> Iterator[SqliteChannels]:
    """Channels in a database that waits a moment only for another writer."""
    database = Database(path, busy_seconds=0.05)
    yield SqliteChannels(database)
    database.close()


@pytest.fixture
def other_writer(impatient: SqliteChannels, path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that holds the file's write lock."""
    impatient.add(a_channel())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_what_was_stored_is_there_after_the_file_is_opened_again(path: Path) -> None:
    with SqliteState(path) as state:
        state.channels.add(a_channel(name="kept"))

    with SqliteState(path) as state:
        assert state.channels.get("camera").name == "kept"


def test_only_its_owner_may_read_the_file_and_its_log(path: Path) -> None:
    with SqliteState(path) as state:
        state.channels.add(a_channel())

        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm", ".state.db.lock"), 0o600)


def test_a_read_does_not_wait_for_a_writer(impatient: SqliteChannels, other_writer: sqlite3.Connection) -> None:
    assert other_writer.in_transaction
    assert impatient.get("camera").id == "camera"


@pytest.mark.usefixtures("other_writer")
def test_a_write_that_waits_too_long_for_another_program_is_refused(impatient: SqliteChannels) -> None:
    with pytest.raises(StateUnavailable, match=r"state\.db: another process keeps it locked"):
        impatient.add(a_channel("second"))


def test_a_write_is_possible_once_the_other_program_is_done(
    impatient: SqliteChannels, other_writer: sqlite3.Connection
) -> None:
    with pytest.raises(StateUnavailable):
        impatient.add(a_channel("second"))

    other_writer.execute("COMMIT")
    impatient.add(a_channel("second"))

    assert impatient.get("second").id == "second"


@pytest.mark.usefixtures("other_writer")
def test_a_change_that_reads_first_does_not_begin_while_another_program_writes(path: Path) -> None:
    database = Database(path, busy_seconds=0.05)
    read = []

    with pytest.raises(StateUnavailable), database.writing() as connection:
        read += connection.execute("SELECT id FROM channels").fetchall()

    database.close()
    assert read == []


def test_many_threads_may_use_one_state(path: Path) -> None:
    with SqliteState(path) as state, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda n: state.channels.add(a_channel(f"c{n}")), range(100)))
        found = list(threads.map(lambda n: state.channels.get(f"c{n}").id, range(100)))

    assert found == [f"c{n}" for n in range(100)]


def test_processes_that_make_the_same_new_file_at_once_all_succeed(tmp_path: Path, racers: Racers) -> None:
    racers.run(racing_tasks.open_and_add, "sqlite", tmp_path)

    with SqliteState(tmp_path / "state" / "state.db") as state:
        assert len(state.channels.page(10)) == RACERS


@pytest.fixture(params=range(1, sqlite_schema.NEWEST))
def earlier(request: pytest.FixtureRequest, path: Path) -> Path:
    """A file as an earlier version left it, with a channel in it."""
    version: int = request.param
    path.parent.mkdir(parents=True)
    record = encoded(channel_record(a_channel(name="kept")))
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        for step in sqlite_schema.STEPS[:version]:
            old.executescript(step)
        old.execute("INSERT INTO channels VALUES ('camera', 1, '2026-11-20T10:00:00.000Z', ?)", (record,))
        old.execute(f"PRAGMA user_version = {version}")
    return path


def test_a_file_of_an_earlier_schema_keeps_what_it_holds_and_gets_what_is_new(earlier: Path) -> None:
    for _ in range(2):
        with SqliteState(earlier) as state:
            assert state.channels.get("camera").name == "kept"
            state.outbox.append([an_event(1)])
            state.gateways.put(A_GATEWAY)

    with SqliteState(earlier, StillClock(NOW)) as state:
        assert state.outbox.last("session/session") == 1
        assert state.gateways.all() == [A_GATEWAY]


def test_processes_that_open_a_file_of_an_earlier_schema_at_once_all_succeed(
    earlier: Path, tmp_path: Path, racers: Racers
) -> None:
    (tmp_path / "state").mkdir()
    moved = earlier.rename(tmp_path / "state" / "state.db")

    racers.run(racing_tasks.open_and_add, "sqlite", tmp_path)

    with SqliteState(moved) as state:
        assert len(state.channels.page(10)) == RACERS + 1
        assert state.outbox.backlogs(10) == []


def test_a_program_of_the_earlier_schema_that_has_the_file_open_goes_on(earlier: Path) -> None:
    with closing(sqlite3.connect(earlier, isolation_level=None)) as old:
        old.execute("SELECT count(*) FROM channels")
        SqliteState(earlier).close()

        old.execute("UPDATE channels SET version = 2")

    with SqliteState(earlier) as state:
        assert state.channels.page(10) != []


def test_an_upgrade_that_another_writer_keeps_waiting_too_long_leaves_the_file_as_it_was(earlier: Path) -> None:
    with closing(sqlite3.connect(earlier, isolation_level=None)) as old:
        old.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnavailable, match="another process keeps it locked"):
            Database(earlier, busy_seconds=0.05)

    with SqliteState(earlier) as state:
        assert state.outbox.last("session/session") == 0


def test_of_what_nobody_fetches_for_long_nothing_is_left_but_the_numbers_of_channels(path: Path) -> None:
    with SqliteState(path, StillClock(NOW)) as state:
        state.outbox.append([an_event(1), an_event(2)])
        state.outbox.append([an_event(1, session_id=None, type=CHANNEL_BLOCKED)])
        state.outbox.bury(a_letter("old", NOW))
    with SqliteState(path, StillClock(NOW + KEPT + timedelta(seconds=1))) as state:
        state.outbox.append([an_event(1, session_id="next")])
        state.outbox.bury(a_letter("new", NOW + KEPT))

        assert state.outbox.last("session/session") == 0
        assert state.outbox.read("session/session", 0, 10) == []
        assert state.outbox.last("channel/camera") == 1
        assert [letter.id for letter in state.outbox.letters(10)] == ["new"]


def a_letter(name: str, at: datetime) -> DeadLetter:
    return DeadLetter(id=name, sink="hook", event=an_event(1), error="410 Gone", tries=9, at=at)


def test_a_file_of_a_newer_schema_is_refused_with_both_versions_and_a_remedy(path: Path) -> None:
    SqliteState(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 7")
    newer.close()

    with pytest.raises(StateUnavailable, match=r"state\.db: its schema 7 is newer than 3.*upgrade streamkeep"):
        SqliteState(path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but something dear " * 100)

    with pytest.raises(StateUnavailable, match=r"notes\.txt: it is not a SQLite file"):
        SqliteState(path)

    assert path.read_text().startswith("not a database")


def test_a_file_that_cannot_be_made_is_an_error_naming_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateUnavailable, match=r"state file .*file/state\.db: "):
        SqliteState(tmp_path / "file" / "state.db")


def test_a_full_disk_is_an_error_that_asks_for_room_and_loses_nothing(path: Path) -> None:
    database = Database(path)
    channels = SqliteChannels(database)
    channels.add(a_channel("kept"))
    with database.reading() as connection:  # SQLite's own limit stands in for a disk without room
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StateUnavailable, match="its disk is full; make room"):
        channels.add(a_channel("large", description="x" * 2_000, older_fields={"text": "x" * 10_000}))

    assert channels.get("kept").id == "kept"
    with pytest.raises(ChannelNotFound):
        channels.get("large")
    database.close()


def test_a_closed_state_refuses_calls(path: Path) -> None:
    state = SqliteState(path)
    state.close()

    with pytest.raises(StateUnavailable, match="it was closed"):
        state.channels.get("camera")


def test_an_error_of_sqlite_stays_the_cause_of_ours(path: Path) -> None:
    cause = sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StateUnavailable) as caught, sqlite_errors.translated(path):
        raise cause

    assert caught.value.__cause__ is cause


def test_every_error_class_of_sqlite_is_translated(path: Path) -> None:
    classes = [
        value for value in vars(sqlite3).values() if isinstance(value, type) and issubclass(value, sqlite3.Error)
    ]

    assert set(classes) == set(sqlite_errors.ERRORS)
    for kind in classes:
        with pytest.raises(StreamkeepError), sqlite_errors.translated(path):
            raise kind("cause")


@pytest.mark.parametrize("name", sqlite_errors.REMEDIES)
def test_every_remedy_belongs_to_an_error_that_sqlite_knows(name: str) -> None:
    assert isinstance(getattr(sqlite3, name), int)


@pytest.mark.parametrize(
    "query",
    [
        sqlite_channels._PAGE,
        sqlite_sessions._PAGE,
        sqlite_sessions._PAGE_OF_CHANNEL,
        sqlite_sessions._OPEN,
        sqlite_outbox._READ,
        sqlite_outbox._BACKLOGS,
        sqlite_letters._PAGE,
        sqlite_letters._PAGE_OF_SINK,
        sqlite_letters._PAGE_REPLAYING,
    ],
)
def test_a_page_is_read_off_an_index_without_sorting(path: Path, query: str) -> None:
    database = Database(path)
    with database.reading() as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {query}", ["~"] * query.count("?")).fetchall()
    database.close()

    plan = " ".join(row[3] for row in rows)
    assert "USING INDEX" in plan
    assert "TEMP B-TREE" not in plan
