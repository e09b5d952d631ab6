"""The programs that must be installed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from services.local.errors import CannotStart

MODULES = (
    Path("/usr/lib/nginx/modules/ngx_rtmp_module.so"),
    Path("/usr/lib64/nginx/modules/ngx_rtmp_module.so"),
    Path("/etc/nginx/modules/ngx_rtmp_module.so"),
)
_PACKAGES = {"ffmpeg": "ffmpeg", "ffprobe": "ffmpeg", "nginx": "nginx", "setpriv": "util-linux"}


def missing_packages(search_path: str, modules: Sequence[Path] = MODULES) -> list[str]:
    """Name the Debian packages of what is neither on `search_path` nor among nginx's `modules`."""
    found = [package for program, package in _PACKAGES.items() if shutil.which(program, path=search_path) is None]
    if not any(module.exists() for module in modules):
        found.append("libnginx-mod-rtmp")
    return sorted(set(found))


def require_software(search_path: str) -> None:
    """Raise CannotStart with the line that installs what is missing."""
    packages = missing_packages(search_path)
    if packages:
        raise CannotStart(f"{', '.join(packages)}: not installed; as root: apt-get install -y {' '.join(packages)}")
