"""What the programs that read a stranger's stream may know of this one's environment."""

from __future__ import annotations

import os

from services.runtime.settings import PREFIX

_OURS_ALONE = (PREFIX, "AWS_")


def child_environment() -> dict[str, str]:
    """Give it without our settings and credentials."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS_ALONE)}
