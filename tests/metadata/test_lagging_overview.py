"""Lists tell what channels do by an overview that may lag; what is read by name is as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.session import Air
from services.metadata.bootstrap import application
from services.runtime.serving import listen
from tests.doubles.lagging_overview import LaggingOverview
from tests.examples import a_channel, a_session
from tests.metadata.callback_double import callback_double
from tests.metadata.running import TOKEN, served, settings_for


@dataclass
class Service:
    client: httpx.Client
    state: SqliteState
    overview: LaggingOverview

    def go_live(self) -> None:
        session = a_session()
        self.state.sessions.save(session=session, air=Air(channel_id="camera").opened(session.id))
        self.state.sessions.save(session=session.went_live())

    def listed(self, path: str = "/channels") -> list[dict[str, object]]:
        body = self.client.get(path).raise_for_status().json()
        return list(body["items"] if isinstance(body, dict) else body)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The service with one channel, its overview held at the moment before that goes live."""
    with (
        callback_double() as callback,
        listen("127.0.0.1", 0) as bound,
        closing(SqliteState(tmp_path / "state.db")) as state,
    ):
        settings = settings_for(tmp_path, callback.url, bound.getsockname()[1])
        state.channels.add(a_channel(key_secret="new"))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with (
            closing(LaggingOverview(tmp_path / "state.db", tmp_path)) as overview,
            application(settings) as app,
            httpx.Client(base_url=settings.public_url, headers=bearer, timeout=20) as client,
        ):
            app.state.wiring = replace(app.state.wiring, overview=overview)
            with served(app, bound):
                overview.hold()
                yield Service(client, state, overview)


@pytest.mark.parametrize("path", ["/channels", "/videostream"])
def test_a_list_shows_what_channels_did_a_moment_ago(service: Service, path: str) -> None:
    service.go_live()
    (before,) = service.listed(path)
    service.overview.let_go()
    (after,) = service.listed(path)

    assert (before["state"], before["session"]) == ("idle", None)
    assert (after["state"], after["session"]) == ("live", "session")


def test_a_channel_that_is_read_by_name_shows_what_it_does_now(service: Service) -> None:
    service.go_live()

    assert service.client.get("/channels/camera").json()["state"] == "live"
    assert service.overview.asked == 0


def test_a_channel_that_the_overview_does_not_know_yet_is_listed_all_the_same(service: Service) -> None:
    made = service.client.post("/channels", json={"name": "new"}).raise_for_status().json()

    assert made["id"] in [item["id"] for item in service.listed()]


def test_a_channel_shows_its_new_settings_in_the_list_at_once(service: Service) -> None:
    service.client.patch("/channels/camera", json={"name": "renamed"}).raise_for_status()

    assert [item["name"] for item in service.listed()] == ["renamed"]


def test_a_page_of_the_list_is_one_question(service: Service) -> None:
    for number in range(30):
        service.state.channels.add(a_channel(f"c{number}", key_secret="new"))
    service.listed()

    assert service.overview.asked == 1
