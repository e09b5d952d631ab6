"""Settings of who is told of events, which the one-machine stack takes for the dispatcher."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.domain import subscriber_list


def _sinks_form(spelled: SecretStr) -> SecretStr:
    subscriber_list.parse(spelled.get_secret_value())
    return spelled


SpelledSinks = Annotated[SecretStr, AfterValidator(_sinks_form)]
"""The deployment's sinks, which may hold secrets; `domain.subscriber_list` reads them."""
GiveUpSeconds = Annotated[float, Field(ge=0, le=1_209_600)]
"""How long after its happening an event that no try brings to its sink is given up."""
GIVE_UP_SECONDS = 86_400.0
