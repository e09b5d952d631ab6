"""The settings of services whose figures CloudWatch reads."""

from __future__ import annotations

from pydantic import Field

from services.runtime.settings import Settings


class EmfSettings(Settings):
    """With `metrics_stack`, the deployment's name, what a service counts is written for CloudWatch (`emf.py`)."""

    metrics_stack: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
