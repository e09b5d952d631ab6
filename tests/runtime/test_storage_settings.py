from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.runtime import program

SHOW = """
import json
from services.runtime.storage_settings import StorageSettings
settings = StorageSettings.load()
print(json.dumps({
    "sqlite": settings.sqlite_path and str(settings.sqlite_path),
    "table": settings.table,
    "directory": settings.directory_path and str(settings.directory_path),
    "bucket": settings.bucket,
    "variables": settings.storage_variables(),
}))
"""
ONE_MACHINE = {"STATE_PATH": "/data/state.db", "OBJECTS_PATH": "/data/objects"}
AWS = {"STATE": "dynamodb", "STORE": "s3"}


def prefixed(variables: Mapping[str, str]) -> dict[str, str]:
    return {f"STREAMKEEP_{name}": value for name, value in variables.items()}


def read(variables: Mapping[str, str], **others: str) -> dict[str, Any]:
    done = program.run(SHOW, prefixed(variables) | others)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def refusal(variables: Mapping[str, str]) -> list[str]:
    done = program.run(SHOW, prefixed(variables))
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()


def test_one_machine_is_what_is_meant_when_nothing_is_said() -> None:
    found = read(ONE_MACHINE)

    assert (found["sqlite"], found["directory"]) == ("/data/state.db", "/data/objects")


def test_aws_needs_no_paths_and_has_names_of_its_own() -> None:
    found = read(AWS)

    assert (found["sqlite"], found["directory"]) == (None, None)
    assert (found["table"], found["bucket"]) == ("streamkeep", "streamkeep")


def test_a_path_that_is_said_along_with_aws_is_not_used() -> None:
    found = read(AWS | ONE_MACHINE)

    assert (found["sqlite"], found["directory"]) == (None, None)


def test_the_two_are_chosen_apart() -> None:
    assert read({"STATE": "dynamodb", "OBJECTS_PATH": "/o"})["directory"] == "/o"
    assert read({"STORE": "s3", "STATE_PATH": "/s"})["sqlite"] == "/s"


def test_table_and_bucket_are_those_that_are_named() -> None:
    found = read(AWS | {"TABLE": "Prod_1.state", "BUCKET": "keep.example-1"})

    assert (found["table"], found["bucket"]) == ("Prod_1.state", "keep.example-1")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            {"STATE": "dynamodb"},
            "setting STREAMKEEP_OBJECTS_PATH: Value error, must name the directory, or STREAMKEEP_STORE be s3",
        ),
        (
            {"STORE": "s3"},
            "setting STREAMKEEP_STATE_PATH: Value error, must name the SQLite file, or STREAMKEEP_STATE be dynamodb",
        ),
        (AWS | {"STATE": "mysql"}, "setting STREAMKEEP_STATE: Input should be 'sqlite' or 'dynamodb'"),
        (AWS | {"STORE": "gcs"}, "setting STREAMKEEP_STORE: Input should be 'directory' or 's3'"),
        (AWS | {"TABLE": "a"}, "setting STREAMKEEP_TABLE: String should match pattern '^[A-Za-z0-9_.-]{3,255}$'"),
        (
            AWS | {"BUCKET": "Upper_Case"},
            "setting STREAMKEEP_BUCKET: String should match pattern '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'",
        ),
    ],
    ids=["no directory", "no file", "state", "store", "table", "bucket"],
)
def test_what_is_wrong_is_named_with_what_is_right(wrong: dict[str, str], line: str) -> None:
    assert refusal(wrong) == [line]


def test_a_bucket_of_dots_and_slashes_is_refused() -> None:
    for name in ("../bucket", "a/b", "bucket\nnext", "-bucket", "b" * 64):
        assert refusal(AWS | {"BUCKET": name})


@pytest.mark.parametrize(
    "variables", [ONE_MACHINE, AWS | {"TABLE": "tab", "BUCKET": "buck"}, AWS | {"STATE": "sqlite", "STATE_PATH": "/s"}]
)
def test_another_service_reads_the_same_from_the_variables_given_on(variables: dict[str, str]) -> None:
    found = read(variables)
    given_on = program.run(SHOW, found["variables"])

    assert json.loads(given_on.stdout) == found


def test_paths_are_given_on_absolute() -> None:
    given_on = read({"STATE_PATH": "state.db", "OBJECTS_PATH": "objects"})["variables"]

    assert given_on["STREAMKEEP_STATE_PATH"] == str(Path.cwd() / "state.db")
    assert given_on["STREAMKEEP_OBJECTS_PATH"] == str(Path.cwd() / "objects")


def test_the_aws_variables_are_given_on_only_where_they_are_used() -> None:
    around = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "OTHER": "x"}
    on_aws = read({"STORE": "s3", "STATE_PATH": "/s"}, **around)["variables"]
    on_one_machine = read(ONE_MACHINE, **around)["variables"]

    assert around.items() - on_aws.items() == {("OTHER", "x")}
    assert not [name for name in on_one_machine if name.startswith("AWS_")]
