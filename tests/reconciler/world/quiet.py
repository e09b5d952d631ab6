"""Silence while thousands of simulated hours pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let nothing but what is critical be logged inside the block."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**before)
