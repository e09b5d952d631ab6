"""The figures that CloudWatch is told, by their names there."""

from __future__ import annotations

WATCHED = frozenset(
    {
        "CallbackSeconds", "IdleWorkers", "LaunchFailures", "LiveChannels", "OrphanTasks", "PicturesLate", "Publishers",
        "PublishesAccepted", "ReceivedBytes", "SafetyStops", "SessionsWithoutWorker", "SpoolBytes", "Sweeps",
        "WorkersLaunched",
    }
)  # fmt: skip
"""What the alarms, the scaling and the dashboard of cloudformation/ read, and nothing else: each is paid by the month.
All that is counted stands at the services' own /metrics."""
