from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.domain.manifest import Gap, Part
from services.domain.session import Reason
from tests.metadata.broadcasts import START, end, go_live, picture, recording, write_manifest
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_a_session_shows_the_parts_gaps_and_counts_of_its_manifest(service: Running) -> None:
    session = go_live(service, service.create()["id"], "told")
    later = START + timedelta(seconds=30)
    video = {"codec": "h264", "width": 1280, "height": 720}
    write_manifest(
        service,
        session,
        chunks=[[picture(session, 1)]],
        tail=[picture(session, 2), recording(session, 0)],
        parts=(
            Part(number=0, started_at=START, ended_at=later, video=video),
            Part(number=1, started_at=later + timedelta(seconds=5), video=video),
        ),
        gaps=(Gap(started_at=later, ended_at=later + timedelta(seconds=5), outputs=("hls",), cause="publisher_away"),),
        images={"asked": 1.0, "achieved": 2.04},
    )

    told = service.client.get("/sessions/told").json()

    assert told == {
        "id": "told",
        "channel_id": session.channel_id,
        "state": "live",
        "state_reason": None,
        "started_at": "2026-11-20T10:00:00.000Z",
        "ended_at": None,
        "parts": [
            {
                "n": 0,
                "from": "2026-11-20T10:00:00.000Z",
                "to": "2026-11-20T10:00:30.000Z",
                "video": video,
                "audio": None,
                "drift": 0.0,
            },
            {"n": 1, "from": "2026-11-20T10:00:35.000Z", "to": None, "video": video, "audio": None, "drift": 0.0},
        ],
        "gaps": [
            {
                "from": "2026-11-20T10:00:30.000Z",
                "to": "2026-11-20T10:00:35.000Z",
                "outputs": ["hls"],
                "cause": "publisher_away",
            }
        ],
        "images": {"asked": 1, "achieved": 2.04},
        "expired": [],
        "hold": None,
        "counts": {"snapshots": 2, "recordings": 1, "segments": 0, "bytes": 1020},
    }


def test_a_session_without_a_manifest_has_empty_lists(service: Running) -> None:
    go_live(service, service.create()["id"], "young")

    young = service.client.get("/sessions/young").json()

    assert (young["parts"], young["gaps"], young["images"]) == ([], [], None)
    assert young["counts"] == {"snapshots": 0, "recordings": 0, "segments": 0, "bytes": 0}


def test_no_answer_carries_the_pull_token(service: Running) -> None:
    session = go_live(service, service.create()["id"], "discreet")

    assert f'"{session.pull_token.reveal()}"' not in service.client.get("/sessions/discreet").text


def test_a_channels_sessions_are_listed_newest_first(service: Running) -> None:
    channel_id = service.create()["id"]
    for number in range(3):
        at = START + timedelta(minutes=number)
        end(service, go_live(service, channel_id, f"listed-{number}", at), at + timedelta(seconds=30))

    first = service.client.get(f"/channels/{channel_id}/sessions", params={"limit": 2}).json()
    rest = service.client.get(f"/channels/{channel_id}/sessions", params={"cursor": first["next"]}).json()

    assert ids(first) + ids(rest) == ["listed-2", "listed-1", "listed-0"]
    assert rest["next"] is None
    assert first["items"][0]["ended_at"] == "2026-11-20T10:02:30.000Z"


def test_sessions_are_listed_by_state_a_page_at_a_time(fresh_service: Running) -> None:
    for number in range(5):
        at = START + timedelta(minutes=number)
        channel_id = fresh_service.create()["id"]
        session = go_live(fresh_service, channel_id, f"s{number}", at)
        if number in (1, 3):
            end(fresh_service, session, at)
        if number == 4:
            away = Reason(code="publisher_away", detail="", since=at)
            fresh_service.state.sessions.save(session=session.failed(at, away))

    def listed(**query: str) -> tuple[list[str], str | None]:
        answer = fresh_service.client.get("/sessions", params=query).raise_for_status().json()
        return ids(answer), answer["next"]

    assert listed() == (["s4", "s3", "s2", "s1", "s0"], None)
    assert listed(state="live") == (["s2", "s0"], None)
    assert listed(state="starting") == ([], None)
    assert listed(state="failed") == (["s4"], None)
    for state, pages in (("live", ["s2", "s0"]), ("ended", ["s3", "s1"])):
        first, cursor = listed(state=state, limit="1")
        assert cursor is not None
        second, last = listed(state=state, limit="1", cursor=cursor)
        assert (first + second, last) == (pages, None)


def test_an_unknown_state_is_refused_by_name(service: Running) -> None:
    problem = assert_problem(service.client.get("/sessions", params={"state": "dreaming"}), 422)

    assert [error["field"] for error in problem["errors"]] == ["state"]


@pytest.mark.parametrize("path", ["/sessions", "/channels/unknown/sessions"])
def test_a_session_cursor_nobody_gave_is_refused(service: Running, path: str) -> None:
    assert_problem(service.client.get(path, params={"cursor": "junk"}), 422)
