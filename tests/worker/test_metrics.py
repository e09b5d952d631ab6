from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.domain.secrets import Secret
from services.runtime import metrics
from services.worker.control import control_app
from services.worker.events import KeyframeSeen
from services.worker.succession.hand_over import HandedOver
from tests.doubles.shutter import Shutter
from tests.examples import a_picture


async def nothing(_: KeyframeSeen) -> HandedOver | None:
    return None


@pytest.mark.anyio
async def test_a_worker_shows_what_it_counts() -> None:
    metrics.SHIPPED.labels("hls").inc()
    app = control_app(Secret("token"), asyncio.Event(), nothing, Shutter(a_picture()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as client:
        answer = await client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert {"streamkeep_files_shipped", "streamkeep_spool_bytes", "streamkeep_upload_seconds"} <= families.keys()
    assert any(sample.labels == {"output": "hls"} for sample in families["streamkeep_files_shipped"].samples)


@pytest.mark.anyio
async def test_where_others_reach_it_a_worker_shows_figures_to_who_has_the_sessions_token() -> None:
    app = control_app(Secret("token"), asyncio.Event(), nothing, Shutter(a_picture()), is_private=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as client:
        answers = [await client.get("/metrics", headers=headers) for headers in ({}, {"Authorization": "Bearer token"})]

    assert [answer.status_code for answer in answers] == [401, 200]
    assert "streamkeep_" not in answers[0].text


def test_names_keep_to_the_conventions_and_labels_do_not_grow() -> None:
    for family in text_string_to_metric_families(metrics.shown().decode()):
        assert re.fullmatch(r"(streamkeep|process)_[a-z_]+", family.name)
        assert family.documentation
        assert {name for sample in family.samples for name in sample.labels} <= {
            "output",
            "cause",
            "what",
            "error",
            "le",
            "version",
            "outcome",
            "reason",
        }
