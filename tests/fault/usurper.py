"""Records a newer epoch of a session's lease than any worker has: `python -m tests.fault.usurper SESSION`.

It runs with a worker's environment, says so in a line, and lets go of the lease when its standard input ends.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from services.adapters.opening import open_state
from services.domain.clock import SystemClock
from services.worker.settings import WorkerSettings


def main() -> None:
    session, settings = sys.argv[1], WorkerSettings.load()
    state = open_state(sqlite_path=settings.sqlite_path, table=settings.table)
    much_later = SystemClock().now() + timedelta(hours=1)  # when nobody's lease is valid any more
    lease = state.leases.claim(session, "usurper", ttl=settings.lease_ttl, now=much_later)
    print(lease.epoch, flush=True)
    sys.stdin.read()
    state.leases.release(lease)
    state.close()


if __name__ == "__main__":
    main()
