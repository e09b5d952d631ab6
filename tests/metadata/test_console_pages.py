from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.metadata.console_pages import console_router
from services.metadata.problem import answer_with_problems
from services.runtime.serving import listen
from tests.metadata.running import Running, served
from tests.metadata.test_bad_input import assert_problem


@pytest.mark.parametrize("path", ["/", "/console"])
def test_the_root_leads_to_the_console(service: Running, path: str) -> None:
    answer = service.anonymous.get(path)

    assert (answer.status_code, answer.headers["location"]) == (307, "console/")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("", "text/html"), ("app.js", "text/javascript"), ("base.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_the_consoles_files_need_no_token_and_are_typed(service: Running, name: str, media_type: str) -> None:
    answer = service.anonymous.get(f"/console/{name}")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_file_is_sent_packed_and_only_when_it_changed(service: Running) -> None:
    plain = service.anonymous.get("/console/app.js", headers={"Accept-Encoding": "identity"})
    packed = service.anonymous.get("/console/app.js", headers={"Accept-Encoding": "gzip"})
    again = service.anonymous.get("/console/app.js", headers={"If-None-Match": packed.headers["etag"]})

    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(packed.headers["content-length"]) < len(plain.content) == len(packed.content)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["package.json", "package-lock.json", "..%2fapp.py", "nothing.js", "lib/", "lib/hls.js", "lib/..%2f..%2fapp.js"],
)
def test_no_other_file_is_served(service: Running, path: str) -> None:
    assert_problem(service.anonymous.get(f"/console/{path}"), 404)


@pytest.mark.parametrize("path", ["/console/", "/console/app.js", "/docs"])
def test_pages_may_load_nothing_from_elsewhere(service: Running, path: str) -> None:
    policy = dict(
        directive.split(" ", 1)
        for directive in service.anonymous.get(path).headers["content-security-policy"].split("; ")
    )

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"


@contextmanager
def _served(libraries: Path, *media_origins: str) -> Iterator[httpx.Client]:
    app = FastAPI(docs_url=None)
    app.include_router(console_router(media_origins=media_origins, libraries=libraries))
    answer_with_problems(app, app.routes)
    with listen("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with served(app, bound), httpx.Client(base_url=address) as client:
            yield client


def test_media_may_come_from_the_stores_origin(tmp_path: Path) -> None:
    with _served(tmp_path, "https://bucket.example") as client:
        policy = client.get("/console/").headers["content-security-policy"]

    for kind in ("img-src", "media-src", "connect-src"):
        assert f"{kind} 'self' https://bucket.example" in policy


def test_a_library_that_is_not_installed_is_a_problem_and_the_page_is_there(tmp_path: Path) -> None:
    with _served(tmp_path) as client:
        assert client.get("/console/").status_code == 200
        assert_problem(client.get("/console/lib/hls.mjs"), 404)


def test_a_library_that_is_installed_is_served(tmp_path: Path) -> None:
    file = tmp_path / "lean-qr" / "index.mjs"
    file.parent.mkdir()
    file.write_text("export const generate = 1;")
    with _served(tmp_path) as client:
        answer = client.get("/console/lib/qr.mjs")

    assert answer.text == "export const generate = 1;"
    assert answer.headers["content-type"].startswith("text/javascript")
