"""What a fault cost: frames that a report misses, and gaps that a session declares, from a moment on.

What a worker that started slowly missed at the begin of a broadcast is left out so: the moment is when the fault came.
"""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import Any

from tests.verifier.report import Report


def lost_frames(report: Report, since: float, until: float = inf) -> int:
    """Give how many frames that were due between two moments (epoch s) the output lacks that lost most."""
    return max((sum(since <= due <= until for due in missing) for missing in report.missing.values()), default=0)


def causes(session: dict[str, Any], since: float) -> list[str]:
    """Give the causes of the gaps that began after a moment (epoch s), in their order."""
    return [gap["cause"] for gap in session["gaps"] if datetime.fromisoformat(gap["from"]).timestamp() >= since]
