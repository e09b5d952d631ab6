"""The call by which a successor relieves a worker, as the control port answers it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from services.domain.secrets import Secret
from services.worker.control import control_app
from services.worker.events import KeyframeSeen
from services.worker.succession.hand_over import HandedOver
from tests.doubles.shutter import Shutter
from tests.examples import a_picture

pytestmark = pytest.mark.anyio

KEYFRAME = {"pts": 1.5, "at": 1000.5, "digest": "abc"}
HANDED_OVER = HandedOver(after=2.0, at=1002.5, last_picture=999.0)


class Leaving:
    """A worker that hands over at one keyframe and knows no other."""

    def __init__(self) -> None:
        self.asked: list[KeyframeSeen] = []

    async def take(self, keyframe: KeyframeSeen) -> HandedOver | None:
        self.asked.append(keyframe)
        return HANDED_OVER if keyframe.digest == "abc" else None


async def asked(leaving: Leaving, body: str, token: str = "pull") -> httpx.Response:  # noqa: S107 - a test's
    app = control_app(Secret("pull"), asyncio.Event(), leaving.take, Shutter(a_picture()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as http:
        return await http.post("/hand-over", content=body, headers={"Authorization": f"Bearer {token}"})


async def test_a_successor_that_names_a_keyframe_is_told_where_to_begin() -> None:
    leaving = Leaving()

    answer = await asked(leaving, json.dumps(KEYFRAME))

    assert answer.status_code == 200
    assert HandedOver(**answer.json()) == HANDED_OVER
    assert leaving.asked == [KeyframeSeen(pts=1.5, at=1000.5, digest="abc")]


async def test_an_unknown_keyframe_is_refused_so_that_another_is_named() -> None:
    assert (await asked(Leaving(), json.dumps({**KEYFRAME, "digest": "other"}))).status_code == 409


async def test_nobody_but_the_sessions_own_worker_may_ask() -> None:
    leaving = Leaving()

    assert (await asked(leaving, json.dumps(KEYFRAME), token="guess")).status_code == 401
    assert leaving.asked == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"pts": "soon", "at": 1, "digest": "x"}', "x" * 5000])
async def test_what_names_no_keyframe_is_refused_with_what_is_wanted(body: str) -> None:
    answer = await asked(Leaving(), body)

    assert answer.status_code == 422
    assert "pts, at and digest" in answer.json()["detail"]
