"""The admin commands over DynamoDB and S3, as somebody who outgrew one machine uses them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from services.adapters.dynamodb_state import DynamodbState
from services.adapters.sqlite_state import SqliteState
from tests.admin.commands import COMMAND, DEADLINE_SECONDS, Done, environment
from tests.admin.records import contents, fill
from tests.counting_proxy import CountingProxy
from tests.emulators import CREDENTIALS, Emulators
from tests.examples import a_channel, a_session
from tests.waiting import eventually


class Aws:
    """A table and a bucket of one test's own, at an emulator."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint = endpoint
        self.name = name

    def environment(self, endpoint: str | None = None, **variables: str) -> dict[str, str]:
        own = {"STATE": "dynamodb", "STORE": "s3", "TABLE": self.name, "BUCKET": self.name, "LOG_FORMAT": "console"}
        return {**environment(**(own | variables)), **CREDENTIALS, "AWS_ENDPOINT_URL": endpoint or self.endpoint}

    def run(self, *arguments: str, **variables: str) -> Done:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    @contextlib.contextmanager
    def state(self) -> Iterator[DynamodbState]:
        with DynamodbState(self.name, endpoint=self.endpoint) as state:
            yield state


@pytest.fixture
def aws(emulators: Emulators, request: pytest.FixtureRequest) -> Aws:
    name = f"admin-{os.getpid()}-{abs(hash(request.node.name)) % 10**8}"
    return Aws(emulators.url("ministack"), name)


@pytest.fixture
def prepared(aws: Aws) -> Aws:
    done = aws.run("prepare")
    assert done.returncode == 0, done.stderr
    return aws


def on_sqlite(path: Path, *arguments: str) -> Done:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(STATE_PATH=str(path)),
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_a_table_and_a_bucket_are_made_once(aws: Aws) -> None:
    first, again = aws.run("prepare"), aws.run("prepare")
    bucket = boto3.client(
        "s3", endpoint_url=aws.endpoint, config=Config(s3={"addressing_style": "path"}, signature_version="s3v4")
    )

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stderr.decode().splitlines() == [
        f"the DynamoDB table {aws.name} is ready",
        f"the S3 bucket {aws.name} is ready",
    ]
    assert aws.name in [each["Name"] for each in bucket.list_buckets()["Buckets"]]
    bucket.close()


def test_what_one_machine_held_is_in_dynamodb_and_comes_back_as_it_was(prepared: Aws, tmp_path: Path) -> None:
    there, back = str(tmp_path / "there.jsonl"), str(tmp_path / "back.jsonl")
    with SqliteState(tmp_path / "source.db") as source, SqliteState(tmp_path / "target.db") as target:
        fill(source)
        for number in range(120):  # more than a page, and more than DynamoDB gives in one call
            source.channels.add(a_channel(f"many-{number}"))
            source.sessions.save(session=a_session(f"many-{number}", channel_id=f"many-{number}"))
        steps = [
            on_sqlite(tmp_path / "source.db", "export", there),
            prepared.run("import", there),
            prepared.run("export", back),
            on_sqlite(tmp_path / "target.db", "import", back),
        ]
        with prepared.state() as state:
            amid = contents(state)

        assert [step.returncode for step in steps] == [0, 0, 0, 0], steps
        assert amid == contents(source)
        assert contents(target) == contents(source)
        assert Path(there).read_bytes().count(b"\n") == Path(back).read_bytes().count(b"\n")


def test_an_import_into_dynamodb_that_is_killed_is_completed_by_the_next(prepared: Aws, tmp_path: Path) -> None:
    file = str(tmp_path / "there.jsonl")
    with SqliteState(tmp_path / "source.db") as source, prepared.state() as state:
        fill(source, ended=60)
        assert on_sqlite(tmp_path / "source.db", "export", file).returncode == 0
        killed_amid(prepared, file)
        stored = len(contents(state)["sessions"])
        done = prepared.run("import", file)

        assert 0 < stored < 64
        assert done.returncode == 0, done.stderr
        assert contents(state) == contents(source)


def killed_amid(aws: Aws, file: str) -> None:
    """Import through a proxy, and kill the import when it has written a few times."""
    address = urlsplit(aws.endpoint)
    with CountingProxy(address.hostname or "", address.port or 0) as proxy:
        importing = subprocess.Popen(
            [*COMMAND, "import", file], env=aws.environment(proxy.url), stderr=subprocess.DEVNULL
        )
        eventually(lambda: proxy.snapshot().writes >= 5, what="five writes", within=DEADLINE_SECONDS)
        importing.kill()
        assert importing.wait(DEADLINE_SECONDS) == -signal.SIGKILL


def test_a_table_that_is_missing_is_named_with_what_to_do(aws: Aws, tmp_path: Path) -> None:
    file = str(tmp_path / "there.jsonl")
    with SqliteState(tmp_path / "source.db") as source:
        fill(source)
        on_sqlite(tmp_path / "source.db", "export", file)
    done = aws.run("import", file)

    assert done.returncode == 1
    assert done.stderr.startswith(b"streamkeep: ")
    assert aws.name.encode() in done.stderr
    assert b"streamkeep prepare" in done.stderr
