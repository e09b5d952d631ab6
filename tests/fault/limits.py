"""What the rows of the fault table allow, for the machine at hand."""

from __future__ import annotations

import os

SLOWNESS = float(os.environ.get("FAULT_SLOWNESS", "3"))
"""How many times slower than it should be a machine may be before a test says so; with 1 it is what is promised.

A test tells what is lost or wrong on any machine; how fast things are is printed, and judged by hand.
"""


def allowed(promised: float) -> float:
    """Give the limit of a time (s), or of frames that were under way, that a row promises."""
    return promised * SLOWNESS
