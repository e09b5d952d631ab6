"""Pictures by the Lambda function: the same answers as by the program, and the picture in the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.doubles.lambda_service import NAME, lambda_service
from tests.doubles.sources import SourceServer
from tests.emulators import CREDENTIALS
from tests.grabber.pictures import Frames
from tests.grabber.service import Service, grab_service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def by_function(folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Service]:
    """A service that takes its pictures by the function; both have the same store."""
    variables = {
        "STREAMKEEP_STATE": "dynamodb",
        "STREAMKEEP_OBJECTS_PATH": str(folder / "objects"),
        "STREAMKEEP_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    with ExitStack() as stack:
        url = stack.enter_context(lambda_service(variables))
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL_LAMBDA": url}.items():
            monkeypatch.setenv(name, value)
        function = getattr(request, "param", NAME)
        yield grab_service(stack, folder, "127.0.0.0/8", grabber_function=function)


def stored(folder: Path) -> list[Path]:
    return sorted((folder / "objects/snapshots/adhoc").glob("*.jpg"))


def test_the_picture_comes_from_the_function_by_way_of_the_store(
    by_function: Service, web: SourceServer, frames: Frames, folder: Path
) -> None:
    answer = by_function.ask(web.url("vod.m3u8"), at=5)

    assert answer.status_code == 200, answer.text
    assert frames.seconds(answer.content) == pytest.approx(5, abs=0.08)
    assert [each.read_bytes() for each in stored(folder)] == [answer.content]


def test_what_cannot_be_read_is_said_as_the_program_says_it(
    by_function: Service, web: SourceServer, folder: Path
) -> None:
    answer = by_function.ask(web.url("none.m3u8"))

    assert answer.status_code == 502
    assert answer.json()["detail"].startswith("source_url: ")
    assert stored(folder) == []


def test_a_source_that_leads_inside_is_refused_by_name(by_function: Service) -> None:
    answer = by_function.ask("http://169.254.169.254/latest/meta-data/")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "source_url"


def test_too_many_at_once_is_an_answer_with_a_time_to_come_back(by_function: Service) -> None:
    answer: httpx.Response = by_function.ask("http://throttled/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")


@pytest.mark.parametrize("by_function", ["another"], indirect=True)
def test_a_function_that_is_not_there_is_our_trouble_and_not_the_sources(by_function: Service) -> None:
    answer = by_function.ask("http://192.0.2.1/")

    assert answer.status_code == 503
    assert "192.0.2.1" not in answer.text
