"""Where a service of AWS is, when it is not where AWS has it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError

from services.domain.errors import StreamkeepError


def _variables(service: str) -> tuple[str, ...]:
    return (f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL")


def variable(service: str) -> str | None:
    """Name the variable that says where `service` (`S3`, `DYNAMODB`) is, if one does."""
    return next((name for name in _variables(service) if os.environ.get(name)), None)


@contextlib.contextmanager
def making_client(unavailable: type[StreamkeepError], what: str, service: str) -> Iterator[None]:
    """Raise `unavailable` for the plain ValueErrors by which botocore refuses to make a client; others go on."""
    try:
        yield
    except BotoCoreError:  # some of which are ValueErrors too
        raise
    except ValueError as error:
        wrong = " or ".join(_variables(service)) if "endpoint" in str(error).lower() else "the AWS_ variables"
        raise unavailable(f"{what}: {error}: correct {wrong}") from error
