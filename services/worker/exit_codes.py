"""How a worker ends; 2 is a bad setting or argument."""

from __future__ import annotations

DONE = 0
CANNOT_START = 1
LEASE = 3  # another worker holds, or took, the session
FAILED = 4  # one of its tasks failed: another worker goes on from the spool
STUCK = 5  # its event loop turned no more
