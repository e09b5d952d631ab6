from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.gateway.nginx import find_module, render
from services.gateway.settings import NginxSettings
from tests.gateway.nginx_process import free_ports


def rendered(folder: Path, **settings: Any) -> str:  # noqa: ANN401 - any setting
    module = find_module()
    assert module is not None
    return render(NginxSettings(**{"run_path": folder, **settings}), module=module, boot="0123abcd")


def checked_by_nginx(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    path = folder / "nginx.conf"
    path.write_text(text)
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx is not None
    argv = [nginx, "-t", "-e", "stderr", "-p", str(folder), "-c", str(path)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)


def command(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"STREAMKEEP_RUN_PATH": str(folder), **{f"STREAMKEEP_{name}": value for name, value in variables.items()}}
    argv = [sys.executable, "-m", "services.gateway.nginx"]
    return subprocess.run(argv, env={**os.environ, **own}, capture_output=True, text=True, timeout=20, check=False)


def test_nginx_accepts_the_rendered_configuration(tmp_path: Path) -> None:
    rtmp_port, nginx_port = free_ports(2)
    text = rendered(tmp_path, rtmp_port=rtmp_port, nginx_port=nginx_port, rtmp_host="0.0.0.0")  # noqa: S104 - as text
    verdict = checked_by_nginx(tmp_path, text)

    assert verdict.returncode == 0, verdict.stderr
    assert "[warn]" not in verdict.stderr


def test_each_setting_stands_where_nginx_reads_it(tmp_path: Path) -> None:
    text = rendered(
        tmp_path,
        rtmp_host="192.0.2.1",
        rtmp_port=11935,
        nginx_port=18001,
        callback_url="http://192.0.2.2:18002/",
        log_level="error",
    )

    assert "listen 192.0.2.1:11935;" in text
    assert "listen 127.0.0.1:18001;" in text
    assert "on_publish http://192.0.2.2:18002/hooks/0123abcd/publish;" in text
    assert f"pid {tmp_path}/nginx.pid;" in text
    assert "error_log stderr error;" in text


def test_nginx_runs_as_one_process_and_shows_its_lists_on_loopback_only(tmp_path: Path) -> None:
    text = rendered(tmp_path)

    assert re.findall(r"worker_processes (\d+);", text) == ["1"]
    assert re.findall(r"^ {8}listen (\S+);$", text.partition("http {")[2], re.MULTILINE) == ["127.0.0.1:8001"]


def test_it_records_into_the_folder_of_the_backlog_and_without_one_nothing(tmp_path: Path) -> None:
    with_backlog, without = rendered(tmp_path, backlog_path=tmp_path / "backlog"), rendered(tmp_path)

    assert "record all;" in with_backlog
    assert f"record_path {tmp_path}/backlog/recording;" in with_backlog
    assert "record_suffix .0123abcd.flv;" in with_backlog
    assert "record off;" in without
    assert checked_by_nginx(tmp_path, with_backlog).returncode == 0


def test_no_log_level_lets_nginx_write_stream_keys(tmp_path: Path) -> None:
    levels = {level: rendered(tmp_path, log_level=level) for level in ("debug", "info", "warning", "error")}
    found = {level: re.findall(r"error_log stderr (\w+);", text) for level, text in levels.items()}

    assert found == {"debug": ["notice"], "info": ["warn"], "warning": ["warn"], "error": ["error"]}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rtmp_host", "127.0.0.1; }"),
        ("rtmp_host", "127.0.0.1:80 ssl"),
        ("rtmp_host", ""),
        ("rtmp_port", 0),
        ("rtmp_port", 65_536),
        ("nginx_port", "80;"),
        ("callback_url", "http://127.0.0.1:8002; on_publish http://evil"),
        ("callback_url", "http://127.0.0.1:8002/$arg_x"),
        ("callback_url", "http://127.0.0.1:8002\n"),
        ("callback_url", "https://127.0.0.1:8002"),
        ("callback_url", "http://127.0.0.1:99999"),
        ("callback_url", "http://:8002"),
        ("run_path", "/tmp/a b"),  # noqa: S108 - as text
        ("run_path", '/tmp/a";'),  # noqa: S108
        ("run_path", "/tmp/$a"),  # noqa: S108
        ("run_path", "/tmp/a\nuser root;"),  # noqa: S108
        ("backlog_path", "/tmp/a; exec_record_done ls"),  # noqa: S108
    ],
)
def test_a_value_that_cannot_stand_in_the_configuration_is_refused(tmp_path: Path, setting: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        rendered(tmp_path, **{setting: value})

    assert [problem["loc"] for problem in refused.value.errors()] == [(setting,)]


def test_the_command_names_a_bad_setting_and_exits_2(tmp_path: Path) -> None:
    ended = command(tmp_path, RTMP_HOST="127.0.0.1; }")

    assert ended.returncode == 2
    assert ended.stderr.startswith("setting STREAMKEEP_RTMP_HOST: ")


def test_the_command_says_what_to_install_where_nginx_is_missing(tmp_path: Path) -> None:
    only_python = tmp_path / "bin"
    only_python.mkdir()
    script = "import sys; from services.gateway import nginx; nginx._MODULE_FOLDERS = (); nginx.main()"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": str(only_python), "STREAMKEEP_RUN_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert ended.returncode == 1
    assert "install nginx and libnginx-mod-rtmp" in ended.stderr


def test_the_command_names_a_folder_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = command(tmp_path / "file" / "run")

    assert ended.returncode == 1
    assert "set STREAMKEEP_RUN_PATH" in ended.stderr
