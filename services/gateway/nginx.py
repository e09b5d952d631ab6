"""Renders the gateway's nginx configuration, then becomes that nginx."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from importlib import resources
from pathlib import Path
from string import Template
from typing import NoReturn

from services.gateway.settings import NginxSettings

EXIT_CANNOT_START = 1
_MODULE_NAME = "ngx_rtmp_module.so"
_MODULE_FOLDERS = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/etc/nginx/modules"))
# Never below `notice`: at `info` nginx-rtmp writes each publisher's query, and so its key.
_LOG_LEVELS = {"debug": "notice", "info": "warn", "warning": "warn", "error": "error"}


def find_module() -> Path | None:
    """Give the place of nginx's RTMP module, or None if it is not installed."""
    return next((folder / _MODULE_NAME for folder in _MODULE_FOLDERS if (folder / _MODULE_NAME).exists()), None)


def render(settings: NginxSettings, *, module: Path, boot: str) -> str:
    """Give the configuration; `boot` names this life of nginx in every callback."""
    template = resources.files("services.gateway").joinpath("nginx.conf.template").read_text()
    return Template(template).substitute(
        module=module,
        run_path=settings.run_path.absolute(),
        rtmp_host=settings.rtmp_host,
        rtmp_port=settings.rtmp_port,
        nginx_port=settings.nginx_port,
        callback_url=settings.callback_url,
        log_level=_LOG_LEVELS[settings.log_level],
        boot=boot,
        recorded="off" if settings.backlog_path is None else "all",
        recording_path=_recording_path(settings),
    )


def _recording_path(settings: NginxSettings) -> Path:
    """Give the folder that the callback app makes: while it is not there, nothing is recorded."""
    return (settings.backlog_path or settings.run_path).absolute() / "recording"


def main() -> None:
    """Render, then replace this process by nginx; exit 1 where nginx or its RTMP module is missing."""
    settings = NginxSettings.load()
    module, nginx = find_module(), shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if module is None or nginx is None:
        _give_up("nginx or its RTMP module is missing: install nginx and libnginx-mod-rtmp")
    rendered = settings.run_path.absolute() / "nginx.conf"
    try:
        settings.run_path.mkdir(parents=True, exist_ok=True)
        rendered.write_text(render(settings, module=module, boot=secrets.token_hex(8)))
    except OSError as error:
        _give_up(f"{rendered} cannot be written: {error.strerror}; set STREAMKEEP_RUN_PATH to a folder that can")
    os.execv(nginx, [nginx, "-e", "stderr", "-p", f"{settings.run_path.absolute()}/", "-c", str(rendered)])  # noqa: S606 - no shell wanted


def _give_up(message: str) -> NoReturn:
    print(message, file=sys.stderr)  # noqa: T201 - nginx itself speaks to standard error
    raise SystemExit(EXIT_CANNOT_START)


if __name__ == "__main__":
    main()
