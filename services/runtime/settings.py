"""Settings: one frozen class per service, read once from `STREAMKEEP_*`, unknown variables refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "STREAMKEEP_"
EXIT_BAD_SETTINGS = 2


def _variable(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _variables(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_variable, names))


class Settings(BaseSettings):
    """What all services read.

    `lifeline_fd` is a socket that the one-machine stack keeps open while it lives: at its end the service stops.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    also_known: ClassVar[frozenset[str]] = frozenset()
    """Settings of others that may be set as well and mean nothing here."""
    remedies: ClassVar[Mapping[str, str]] = {}
    """Settings of others that somebody is likely to set by mistake, and what to do instead."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "json"
    lifeline_fd: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic's own signature
        known, others = _variables(cls.model_fields), _variables(cls.also_known)
        unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known | others)
        if unknown:
            remedies = {_variable(name): remedy for name, remedy in cls.remedies.items()}
            told = [f"{name}: {remedies[name]}" for name in unknown if name in remedies]
            if rest := [name for name in unknown if name not in remedies]:
                told.append(f"unknown variables {', '.join(rest)}; known are {', '.join(sorted(known))}")
            raise ValueError("; ".join(told))
        return values

    @classmethod
    def load(cls) -> Self:
        """Read the environment; say what is wrong in one line each and exit 2 if it cannot be used."""
        try:
            return cls()
        except ValidationError as error:
            for problem in error.errors():
                name = f"{PREFIX}{'_'.join(str(part) for part in problem['loc'])}".upper().rstrip("_")
                print(f"setting {name}: {problem['msg']}", file=sys.stderr)  # noqa: T201 - logging is not set up yet
            raise SystemExit(EXIT_BAD_SETTINGS) from None
