from __future__ import annotations

from services.admin.settings import PlaceSettings
from services.local.settings import LocalSettings


def test_the_commands_know_exactly_what_the_stack_knows_besides_their_own() -> None:
    assert PlaceSettings.also_known == set(LocalSettings.model_fields) - set(PlaceSettings.model_fields)


def test_the_stack_tells_what_to_do_with_what_only_the_commands_know() -> None:
    assert set(LocalSettings.remedies) == set(PlaceSettings.model_fields) - set(LocalSettings.model_fields)
