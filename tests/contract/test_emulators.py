from __future__ import annotations

import psutil
import pytest

from tests.emulators import Emulator


@pytest.mark.parametrize("kind", ["ministack", "moto"])
def test_an_emulator_leaves_no_process_behind(kind: str) -> None:
    emulator = Emulator(kind)
    server = psutil.Process(emulator.pid)
    processes = [server, *server.children(recursive=True)]
    emulator.close()

    assert psutil.wait_procs(processes, timeout=5)[1] == []
