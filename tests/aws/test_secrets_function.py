"""The function that makes the secrets, run as it stands in the template, against somebody else's AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from services.domain.secrets import Secret
from services.domain.signing import Keyring
from tests.aws.clients import client_of
from tests.aws.templates import template
from tests.emulators import Emulators

DEADLINE_SECONDS = 30
SECRET, BUCKET = "keep-secret", "keep-import"
_CALL = "import json, sys, index; index.handler(json.load(sys.stdin), None)"


class CloudFormation:
    """Keeps what custom resources answer."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        answers = self.answers

        class Answers(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/answer"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Maker:
    """The function, asked as CloudFormation asks it."""

    def __init__(self, folder: Path, endpoint: str, cloudformation: CloudFormation) -> None:
        code = template("secrets").of("AWS::Lambda::Function")["Maker"]["Code"]["ZipFile"]
        (folder / "index.py").write_text(code)
        self._folder, self._cloudformation = folder, cloudformation
        self._variables = {"AWS_ENDPOINT_URL": endpoint, "SECRET": SECRET, "BUCKET": BUCKET}
        self.secrets, self.s3 = client_of("secretsmanager", endpoint), client_of("s3", endpoint)

    def ask(self, request_type: str, act: str, **properties: str) -> dict[str, Any]:
        event = {
            "RequestType": request_type,
            "ResponseURL": self._cloudformation.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Secrets",
            "ResourceProperties": {"Act": act, **properties},
        }
        subprocess.run(
            [sys.executable, "-c", _CALL],
            input=json.dumps(event).encode(),
            env={**os.environ, **self._variables, "AWS_DEFAULT_REGION": os.environ["AWS_REGION"]},
            cwd=self._folder,
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        return self._cloudformation.answers[-1]

    def made(self) -> dict[str, str]:
        made: dict[str, str] = json.loads(self.secrets.get_secret_value(SecretId=SECRET)["SecretString"])
        return made

    def imported(self) -> dict[str, str] | None:
        if not self.s3.list_objects_v2(Bucket=BUCKET).get("Contents"):
            return None
        body = json.loads(self.s3.get_object(Bucket=BUCKET, Key="links.json")["Body"].read())
        return {each["key"]: each["value"] for each in body["data"]}


@pytest.fixture
def maker(tmp_path: Path, emulators: Emulators) -> Iterator[Maker]:
    with CloudFormation() as cloudformation:
        maker = Maker(tmp_path, emulators.url("moto"), cloudformation)
        maker.secrets.create_secret(Name=SECRET)
        maker.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_REGION"]}
        )
        yield maker
        maker.secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
        maker.s3.delete_object(Bucket=BUCKET, Key="links.json")
        maker.s3.delete_bucket(Bucket=BUCKET)


def test_it_makes_four_secrets_in_the_form_that_the_services_read(maker: Maker) -> None:
    answer = maker.ask("Create", "secrets")

    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "Secrets")
    made = maker.made()
    assert set(made) == {"token", "internal", "publish", "links"}
    assert len(set(made.values())) == 4
    for name in ("publish", "links"):
        assert Keyring.parse(Secret(made[name])).signer == "k1"
    assert min(map(len, made.values())) >= 40


def test_it_keeps_secrets_that_are_there_whatever_is_asked(maker: Maker) -> None:
    maker.ask("Create", "secrets")
    made = maker.made()

    for request_type in ("Create", "Update", "Delete"):
        maker.ask(request_type, "secrets")
    assert maker.made() == made


def test_it_writes_the_file_for_cloudfront_and_takes_it_away(maker: Maker) -> None:
    maker.ask("Create", "secrets")

    maker.ask("Create", "import", Api="https://api.example.com")
    assert maker.imported() == {"link_secrets": maker.made()["links"], "api": "https://api.example.com"}

    maker.ask("Create", "clean")
    assert maker.imported() is None


def test_a_file_that_a_failed_deploy_left_goes_with_the_stack(maker: Maker) -> None:
    maker.ask("Create", "secrets")
    maker.ask("Create", "import", Api="https://api.example.com")

    maker.ask("Delete", "import")

    assert maker.imported() is None


def test_what_it_cannot_do_it_says_without_a_secret(maker: Maker) -> None:
    answer = maker.ask("Create", "import", Api="https://api.example.com")  # before there are any

    assert answer["Status"] == "FAILED"
    assert answer["Reason"]
