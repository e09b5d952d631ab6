"""The state in which simulated worlds live keeps the contract of the real ones, as far as one process can ask it."""

# ruff: noqa: F401 - the contract's tests are run here with another `state`
from __future__ import annotations

import pytest

from tests.contract.test_gateway_store import (
    test_a_gateway_that_never_wrote_has_no_row,
    test_a_removed_row_is_gone_and_to_remove_it_again_is_fine,
    test_a_row_takes_the_place_of_the_one_before,
    test_each_life_of_a_gateway_has_a_row_of_its_own_and_they_are_given_by_name,
)
from tests.contract.test_lease_store import (
    test_a_late_release_does_not_free_anothers_lease,
    test_a_lease_is_lost_once_another_has_claimed_it,
    test_a_lease_that_nobody_claimed_is_none,
    test_a_lease_that_ran_out_is_given_to_another_with_the_next_epoch,
    test_a_lease_that_ran_out_is_not_lost_while_nobody_else_has_claimed_it,
    test_a_leaving_workers_lease_is_still_its_own,
    test_a_released_lease_is_free_at_once_and_names_no_address,
    test_a_renewed_lease_lasts_longer_and_keeps_its_epoch,
    test_a_valid_lease_is_not_given_to_another,
    test_its_holder_may_claim_a_valid_lease_again_with_the_next_epoch,
    test_the_first_claim_has_epoch_one,
    test_who_follows_a_leaving_worker_is_not_leaving,
)
from tests.contract.test_overview import (
    test_a_deleted_channel_keeps_its_session_while_that_is_open,
    test_a_session_that_has_ended_is_left_out_with_its_lease,
    test_a_worker_sees_that_another_has_taken_its_session,
    test_all_that_bears_on_a_channel_is_given_together,
    test_nobody_follows_a_session_that_does_not_exist,
    test_open_sessions_are_given_newest_first_with_all_that_bears_on_them,
)
from tests.contract.test_pool import (
    test_a_claimed_row_can_be_forgotten_by_whoever_knows_that_its_task_is_gone,
    test_a_claimed_row_cannot_be_taken_back,
    test_a_claimed_worker_cannot_be_offered_again,
    test_a_claimed_worker_is_not_given_again,
    test_a_worker_of_the_own_zone_comes_before_others,
    test_a_worker_that_was_not_seen_lately_is_not_claimed,
    test_all_rows_are_listed_by_id_the_claimed_and_the_dead_ones_too,
    test_an_idle_worker_is_claimed_by_the_session_it_is_claimed_for,
    test_an_unclaimed_row_can_be_taken_back_by_its_worker,
)
from tests.contract.test_session_store import (
    test_a_session_is_opened_once,
    test_an_open_session_and_its_air_are_stored_together,
    test_nothing_is_stored_when_the_air_changed_since_it_was_read,
    test_nothing_is_stored_when_the_session_changed_since_it_was_read,
    test_open_sessions_are_those_that_have_not_ended_or_failed,
    test_the_same_next_version_is_stored_by_one_of_two_only,
)
from tests.doubles.memory_state import MemoryState
from tests.doubles.still_clock import StillClock
from tests.examples import NOW


@pytest.fixture
def state() -> MemoryState:
    return MemoryState(StillClock(NOW))
