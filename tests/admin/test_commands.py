from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from tests.admin.commands import COMMAND, DEADLINE_SECONDS, environment, run
from tests.admin.records import contents, fill
from tests.examples import a_session
from tests.waiting import eventually

SOURCE, TARGET, FILE = "source.db", "target.db", "streamkeep.jsonl"


def test_an_export_is_imported_elsewhere(source: SqliteState, target: SqliteState, tmp_path: Path) -> None:
    file = str(tmp_path / FILE)
    exported = run("export", file, STATE_PATH=str(tmp_path / SOURCE))
    imported = run("import", file, STATE_PATH=str(tmp_path / TARGET))

    assert (exported.returncode, exported.stderr) == (0, b"exported 4 channels, 3 airs, 7 sessions\n")
    assert imported.returncode == 0
    assert imported.stderr.decode() == (
        "added 4 channels, 3 airs, 7 sessions; already there 0 channels, 0 airs, 0 sessions\n"
    )
    assert contents(target) == contents(source)


def test_standard_output_and_input_are_files_too(source: SqliteState, target: SqliteState, tmp_path: Path) -> None:
    exported = run("export", STATE_PATH=str(tmp_path / SOURCE))
    imported = run("import", "-", given=exported.stdout, STATE_PATH=str(tmp_path / TARGET))

    assert imported.returncode == 0
    assert contents(target) == contents(source)


def test_an_import_makes_the_sqlite_file(source: SqliteState, tmp_path: Path) -> None:
    exported = run("export", "-", STATE_PATH=str(tmp_path / SOURCE))
    imported = run("import", "-", given=exported.stdout, STATE_PATH=str(tmp_path / "new" / "state.db"))

    assert imported.returncode == 0
    with SqliteState(tmp_path / "new" / "state.db") as state:
        assert contents(state) == contents(source)


@pytest.mark.usefixtures("source")
def test_the_file_is_its_owners_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / FILE).write_text("an earlier export, readable by all")
    (folder / FILE).chmod(0o644)
    run("export", str(folder / FILE), STATE_PATH=str(tmp_path / SOURCE))

    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    header = json.loads((folder / FILE).read_text().splitlines()[0])
    assert header["streamkeep_export"] == 1
    assert datetime.fromisoformat(header["made_at"]) - datetime.now(UTC) < timedelta(minutes=1)


def test_an_export_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    fill_and_break(tmp_path / SOURCE)
    (tmp_path / FILE).write_text("earlier")
    done = run("export", str(tmp_path / FILE), STATE_PATH=str(tmp_path / SOURCE))

    assert done.returncode == 1
    assert done.stderr.startswith(b"streamkeep: state file ")
    assert (tmp_path / FILE).read_text() == "earlier"
    assert not list(tmp_path.glob(f".{FILE}*"))


def fill_and_break(path: Path) -> None:
    """Leave a state whose channels can be read and whose sessions cannot."""
    with SqliteState(path) as state:
        fill(state)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE airs RENAME TO airs_away")


@pytest.mark.usefixtures("source")
def test_what_is_no_file_is_not_written_over(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("export", str(pipe), STATE_PATH=str(tmp_path / SOURCE))

    assert (done.returncode, pipe.is_fifo()) == (1, True)
    assert b"is no ordinary file; name another, or - for standard output" in done.stderr


def test_a_reader_that_leaves_is_told_in_one_line(source: SqliteState, tmp_path: Path) -> None:
    for number in range(300):
        source.channels.add(replace(source.channels.get("hostile"), id=f"c{number}"))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        done = subprocess.run(
            [*COMMAND, "export"],
            env=environment(STATE_PATH=str(tmp_path / SOURCE)),
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, b"streamkeep: -: Broken pipe\n")


def test_an_export_of_a_state_that_is_not_there_makes_none(tmp_path: Path) -> None:
    done = run("export", "-", STATE_PATH=str(tmp_path / "typo.db"))

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"streamkeep: STREAMKEEP_STATE_PATH: there is no file {tmp_path / 'typo.db'}; "
        "name the state.db of the data folder\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["export", "import"])
def test_state_alone_has_to_be_named(command: str, tmp_path: Path) -> None:
    done = run(command, str(tmp_path / FILE))

    assert done.returncode == 2
    assert done.stderr.decode() == (
        "setting STREAMKEEP_STATE_PATH: Value error, must name the SQLite file, or STREAMKEEP_STATE be dynamodb\n"
    )


@pytest.mark.usefixtures("source")
def test_what_the_other_commands_read_may_be_set_as_well(tmp_path: Path) -> None:
    place = str(tmp_path / SOURCE)
    done = run("export", STATE_PATH=place, STORE="s3", BUCKET="some", TABLE="any")

    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("source")
def test_the_environment_of_the_stack_does_for_the_commands(tmp_path: Path) -> None:
    around = environment(
        TOKEN="t0ken",
        RTMP_HOST="0.0.0.0",  # noqa: S104 - as the README has it
        MIN_FREE_BYTES="1000000",
        STATE_PATH=str(tmp_path / SOURCE),
        OBJECTS_PATH=str(tmp_path),
    )

    for arguments in (("export", str(tmp_path / FILE)), ("import", str(tmp_path / FILE)), ("prepare",)):
        done = subprocess.run(
            [*COMMAND, *arguments], env=around, capture_output=True, timeout=DEADLINE_SECONDS, check=False
        )

        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["export", "prepare"])
def test_a_misspelt_variable_is_refused_by_name(command: str, tmp_path: Path) -> None:
    done = run(command, STATE_PATH=str(tmp_path / SOURCE), OBJECTS_PATH=str(tmp_path), BUKET="mine")

    assert done.returncode == 2
    assert b"unknown variables STREAMKEEP_BUKET" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("frobnicate",), ("import",), ("export", "a", "b"), ("prepare", "x")])
def test_arguments_that_cannot_be_understood_end_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: streamkeep")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("import", str(tmp_path / "none.jsonl"), STATE_PATH=str(tmp_path / TARGET))

    assert done.returncode == 1
    assert done.stderr.decode() == f"streamkeep: {tmp_path / 'none.jsonl'}: No such file or directory\n"
    assert not (tmp_path / TARGET).exists()


@pytest.mark.usefixtures("source")
def test_a_bad_line_is_named_and_nothing_is_stored(target: SqliteState, tmp_path: Path) -> None:
    exported = run("export", "-", STATE_PATH=str(tmp_path / SOURCE)).stdout
    done = run(
        "import", "-", given=exported.replace(b'"enabled":true', b'"enabled":7', 1), STATE_PATH=str(tmp_path / TARGET)
    )

    assert (done.returncode, done.stderr) == (1, b"streamkeep: line 2: enabled: Input should be a valid boolean\n")
    assert target.channels.page(1) == []


@pytest.mark.usefixtures("source")
def test_conflicts_are_listed_and_end_with_1(target: SqliteState, tmp_path: Path) -> None:
    fill(target)
    target.channels.replace(target.channels.get("idle").changed(datetime.now(UTC), name="mine"))
    exported = run("export", "-", STATE_PATH=str(tmp_path / SOURCE)).stdout
    done = run("import", "-", given=exported, STATE_PATH=str(tmp_path / TARGET))

    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "channel idle is there already with other content, and was left as it is",
        "added 0 channels, 0 airs, 0 sessions; already there 3 channels, 3 airs, 7 sessions",
        "in conflict 1 channel, 0 airs, 0 sessions: to have those of the file, import into an empty state",
    ]
    assert target.channels.get("idle").name == "mine"


@pytest.mark.usefixtures("source")
def test_a_state_at_work_is_not_imported_into(target: SqliteState, tmp_path: Path) -> None:
    exported = run("export", "-", STATE_PATH=str(tmp_path / SOURCE)).stdout
    target.sessions.save(session=a_session("running"))
    target.leases.claim("running", "host:1", ttl=timedelta(minutes=5), now=datetime.now(UTC))
    done = run("import", "-", given=exported, STATE_PATH=str(tmp_path / TARGET))

    assert done.returncode == 1
    assert b"1 session of this state is being captured; stop the stack that uses it" in done.stderr
    assert target.channels.page(1) == []


def test_an_export_of_a_state_at_work_says_that_it_is_a_backup(source: SqliteState, tmp_path: Path) -> None:
    source.leases.claim("open", "host:1", ttl=timedelta(minutes=5), now=datetime.now(UTC))
    done = run("export", "-", STATE_PATH=str(tmp_path / SOURCE))

    assert done.returncode == 0
    assert b"1 session was being captured meanwhile: this is a backup" in done.stderr


def test_an_import_that_is_killed_in_its_midst_is_completed_by_the_next(tmp_path: Path) -> None:
    ended = 3_000
    with SqliteState(tmp_path / SOURCE) as source, SqliteState(tmp_path / TARGET) as target:
        fill(source, ended=ended)
        assert run("export", str(tmp_path / FILE), STATE_PATH=str(tmp_path / SOURCE)).returncode == 0
        killed_amid(tmp_path)
        stored = len(contents(target)["sessions"])
        done = run("import", str(tmp_path / FILE), STATE_PATH=str(tmp_path / TARGET))

        assert 0 < stored < ended
        assert done.returncode == 0, done.stderr
        assert f"added 4 channels, 3 airs, {ended + 4 - stored} sessions; " in done.stderr.decode()
        assert f"already there 0 channels, 0 airs, {stored} sessions\n" in done.stderr.decode()
        assert contents(target) == contents(source)


def killed_amid(folder: Path) -> None:
    """Import until the first session is stored, hold the import at its next write, and kill it there."""
    importing = subprocess.Popen(
        [*COMMAND, "import", str(folder / FILE)],
        env=environment(STATE_PATH=str(folder / TARGET)),
        stderr=subprocess.DEVNULL,
    )
    with contextlib.closing(sqlite3.connect(folder / TARGET, isolation_level=None)) as lock:
        eventually(
            lambda: lock.execute("SELECT count(*) FROM sessions").fetchone()[0], what="the first session", within=30
        )
        lock.execute("BEGIN IMMEDIATE")
        importing.kill()
        assert importing.wait(DEADLINE_SECONDS) == -signal.SIGKILL
        lock.execute("ROLLBACK")


def test_nothing_is_to_be_prepared_on_one_machine(tmp_path: Path) -> None:
    done = run("prepare", STATE_PATH=str(tmp_path / "state.db"), OBJECTS_PATH=str(tmp_path / "objects"))

    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        f"the SQLite file {tmp_path / 'state.db'} needs no preparation",
        f"the directory {tmp_path / 'objects'} needs no preparation",
    ]
    assert not list(tmp_path.iterdir())
