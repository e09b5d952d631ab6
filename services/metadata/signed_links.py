"""How long the links live that answers carry; they are made and judged in the domain."""

from __future__ import annotations

from datetime import timedelta

from services.domain.links import Link, SignedLinks

__all__ = ["PLAYBACK_LIFE", "RECORDING_LIFE", "SNAPSHOT_LIFE", "Link", "SignedLinks"]

PLAYBACK_LIFE = timedelta(hours=24)
SNAPSHOT_LIFE = timedelta(minutes=10)
RECORDING_LIFE = timedelta(hours=1)
