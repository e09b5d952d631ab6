from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.local.errors import CannotStart
from services.local.program import search_path
from services.local.software import missing_packages, require_software


def test_missing_programs_are_named_by_their_packages(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="apt-get install -y ffmpeg nginx util-linux"):
        require_software(str(tmp_path))


def test_a_missing_nginx_module_is_named(tmp_path: Path) -> None:
    assert "libnginx-mod-rtmp" in missing_packages(os.defpath, modules=(tmp_path / "ngx_rtmp_module.so",))


def test_nothing_is_missing_here() -> None:
    assert missing_packages(search_path()) == []
