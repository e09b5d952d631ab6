from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem


def missing(service: Running) -> set[str]:
    problem = assert_problem(service.anonymous.get("/readyz"), 503)
    return {error["field"] for error in problem["errors"]}


def test_the_service_is_ready_when_all_it_needs_is(service: Running) -> None:
    assert service.anonymous.get("/readyz").status_code == 200


def test_a_gateway_that_takes_no_publish_is_named(fresh_service: Running) -> None:
    fresh_service.callback.ready = False
    assert missing(fresh_service) == {"gateway"}

    fresh_service.callback.ready = True

    assert fresh_service.anonymous.get("/readyz").status_code == 200


def test_all_that_is_missing_is_named_and_the_service_stays_alive(fresh_service: Running) -> None:
    fresh_service.callback.shutdown()
    fresh_service.callback.server_close()
    shutil.rmtree(fresh_service.objects_path)
    with closing(sqlite3.connect(fresh_service.state_path)) as connection:
        connection.execute("DROP TABLE channels")

    assert missing(fresh_service) == {"gateway", "store", "state"}
    assert fresh_service.anonymous.get("/healthz").status_code == 200
