"""Clients of an emulator for services that we have no types of."""

from __future__ import annotations

import os
from typing import Any, cast

import boto3


def client_of(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Give a client; the emulators' credentials are in the environment."""
    return cast("Any", boto3).client(service, endpoint_url=endpoint, region_name=os.environ["AWS_REGION"])
