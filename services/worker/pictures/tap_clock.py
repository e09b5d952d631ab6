"""The tap's clock: that of the run, moved on so far that no packet's time is negative, which NUT cannot say."""

from __future__ import annotations

TAP_AHEAD_SECONDS = 10
