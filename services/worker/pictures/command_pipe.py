"""The worker's end of the pipe on which a picture child takes commands."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(slots=True)
class CommandPipe:
    """One child's pipe; it never waits."""

    _write_end: int | None = None

    def open(self) -> int:
        """Make the pipe anew; give the end to read from, which is the caller's to close."""
        self.close()
        read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        return read_end

    def write(self, line: bytes) -> bool:
        """Write a command; say False where no child takes it."""
        if self._write_end is None:
            return False
        try:
            return os.write(self._write_end, line) == len(line)
        except OSError:  # it is gone, or wedged and will be replaced
            return False

    def close(self) -> None:
        """Close it."""
        if self._write_end is not None:
            os.close(self._write_end)
            self._write_end = None
