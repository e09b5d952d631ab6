from __future__ import annotations

import pytest

from tests.runtime import program

LOAD = "from services.runtime.settings import Settings; print(Settings.load())"
LOAD_ONE_MACHINE = "from services.runtime.storage_settings import StorageSettings; print(StorageSettings.load())"
PLACES = {"STREAMKEEP_STATE_PATH": "/data/state.db", "STREAMKEEP_OBJECTS_PATH": "/data/objects"}


def test_settings_left_out_have_defaults() -> None:
    done = program.run(LOAD)

    assert (done.returncode, done.stdout) == (
        0,
        "log_level='info' log_format='json' lifeline_fd=None\n",
    )


def test_settings_are_read_from_the_environment() -> None:
    done = program.run(LOAD_ONE_MACHINE, {**PLACES, "STREAMKEEP_LOG_LEVEL": "debug", "STREAMKEEP_LIFELINE_FD": "7"})

    assert done.returncode == 0, done.stderr
    assert "log_level='debug'" in done.stdout
    assert "lifeline_fd=7" in done.stdout
    assert "state_path=PosixPath('/data/state.db')" in done.stdout


def test_an_unknown_variable_is_refused_by_name_with_those_that_are_known() -> None:
    done = program.run(LOAD, {"STREAMKEEP_LOG_LEVLE": "debug"})

    assert (done.returncode, done.stdout) == (2, "")
    assert "STREAMKEEP_LOG_LEVLE" in done.stderr
    assert "STREAMKEEP_LOG_LEVEL" in done.stderr


def test_another_services_variable_is_refused_too() -> None:
    done = program.run(LOAD, PLACES)

    assert done.returncode == 2
    assert "STREAMKEEP_OBJECTS_PATH, STREAMKEEP_STATE_PATH" in done.stderr


def test_variables_of_other_programs_are_nobodys_business() -> None:
    assert program.run(LOAD, {"STREAM_KEEP": "1", "LOG_LEVEL": "loud"}).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("STREAMKEEP_LOG_LEVEL", "loud"), ("STREAMKEEP_LOG_FORMAT", "xml"), ("STREAMKEEP_LIFELINE_FD", "seven")],
)
def test_a_bad_value_is_refused_by_name_in_one_line_and_not_repeated(name: str, value: str) -> None:
    done = program.run(LOAD, {name: value})

    assert done.returncode == 2
    assert done.stderr.startswith(f"setting {name}: ")
    assert done.stderr.count("\n") == 1
    assert value not in done.stderr


def test_every_setting_that_is_missing_is_named() -> None:
    done = program.run(LOAD_ONE_MACHINE)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "setting STREAMKEEP_STATE_PATH: Value error, must name the SQLite file, or STREAMKEEP_STATE be dynamodb",
        "setting STREAMKEEP_OBJECTS_PATH: Value error, must name the directory, or STREAMKEEP_STORE be s3",
    ]


def test_settings_cannot_be_changed_once_read() -> None:
    done = program.run("from services.runtime.settings import Settings; Settings.load().log_level = 'debug'")

    assert done.returncode == 1
    assert "frozen" in done.stderr
