"""What a machine without a whole sandbox tells its operator."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
from services.runtime.sandbox import kernel, lacking, system_calls
filtered = system_calls.Filter(system_calls.DECODING)
kernel.gain_no_privileges()
filtered.enforce()  # the kernel now says nothing about Landlock
lacking.tell_what_lacks()
"""


def test_a_machine_without_landlock_is_told_of_once_with_what_is_missing() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=20)

    (line,) = told.stdout.splitlines()
    assert "sandbox_partial" in line
    assert "no Landlock" in line
