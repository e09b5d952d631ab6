"""A worker that does nothing but pull: `pulling_worker.py URL FOLDER`, each pull's packets in FOLDER/<n>.packets.

Like the real one it waits before its publisher, pulls again when a pull ends, and ends at SIGTERM.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

PAUSE_SECONDS = 0.1  # between pulls, as a real worker needs to start its ffmpeg again


def pull(url: str, packets: Path) -> list[str]:
    """Give the command of one pull, written by ffmpeg as a line for each packet."""
    reading = ["-rw_timeout", "8000000", "-fpsprobesize", "0", "-analyzeduration", "1000000", "-i", url]
    writing = ["-c", "copy", "-copyts", "-flush_packets", "1", "-f", "framecrc", "-y", str(packets)]
    return ["setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-loglevel", "error", *reading, *writing]


def main(url: str, folder: Path) -> None:
    """Pull until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        with subprocess.Popen(pull(url, folder / f"{number}.packets")) as process:
            try:
                process.wait()
            finally:
                process.kill()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
