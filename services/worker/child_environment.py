"""What the programs that a worker starts may know of its environment."""

from __future__ import annotations

import os

from services.runtime.settings import PREFIX

_OURS_ALONE = (PREFIX, "AWS_")


def child_environment() -> dict[str, str]:
    """Give it without our settings and credentials, which a program that decodes a stranger's stream must not have."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS_ALONE)}
