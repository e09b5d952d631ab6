from __future__ import annotations

import pytest

from services.domain.rollout import Deployment, Rollout

OWN = Deployment(id="1", is_primary=True, running=2)
OWN_OLD = Deployment(id="1", is_primary=False, running=2)


@pytest.mark.parametrize(
    ("deployments", "replaces"),
    [
        ([OWN], False),
        ([OWN_OLD, Deployment(id="2", is_primary=True, running=1)], True),
        ([OWN_OLD, Deployment(id="2", is_primary=True, running=0)], False),
        ([OWN_OLD, Deployment(id="2", is_primary=True, running=1, has_failed=True)], False),
        ([Deployment(id="2", is_primary=True, running=1)], True),
        ([OWN, Deployment(id="2", is_primary=False, running=3)], False),
        ([], False),
    ],
    ids=["alone", "newer runs", "newer starts", "newer failed", "own is forgotten", "rolled back", "none"],
)
def test_a_task_makes_room_for_a_newer_deployment_that_works(deployments: list[Deployment], replaces: bool) -> None:  # noqa: FBT001 - of the table
    assert Rollout(own="1", deployments=deployments).replaces_own is replaces
