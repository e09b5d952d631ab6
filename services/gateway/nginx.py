"""Renders the gateway's nginx configuration, then becomes that nginx."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
from importlib import resources
from pathlib import Path
from string import Template

from services.gateway.settings import NginxSettings

EXIT_CANNOT_START = 1
_MODULE_NAME = "ngx_rtmp_module.so"
_MODULE_FOLDERS = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/etc/nginx/modules"))
_SAFE = re.compile(r"[A-Za-z0-9_./:@+-]+")


def find_module() -> Path | None:
    """Give the place of nginx's RTMP module, or None if it is not installed."""
    return next((folder / _MODULE_NAME for folder in _MODULE_FOLDERS if (folder / _MODULE_NAME).exists()), None)


def render(settings: NginxSettings, *, module: Path, boot: str, is_root: bool) -> str:
    """Give the configuration; `boot` names this life of nginx in every callback.

    As root nginx would drop to `nobody`, who cannot write below a private data folder, so it keeps its user.
    """
    values = {
        "module": str(module),
        "run_path": str(settings.run_path.absolute()),
        "rtmp_host": settings.rtmp_host,
        "rtmp_port": str(settings.rtmp_port),
        "nginx_port": str(settings.nginx_port),
        "callback_url": settings.callback_url.rstrip("/"),
        "boot": boot,
    }
    for name, value in values.items():
        if not _SAFE.fullmatch(value):
            message = f"setting {name}: {value!r} cannot stand in nginx.conf: only A-Z a-z 0-9 _ . / : @ + - can"
            raise ValueError(message)
    template = resources.files("services.gateway").joinpath("nginx.conf.template").read_text()
    return Template(template).substitute(values, user_directive="user root;" if is_root else "")


def main() -> None:
    """Render, then replace this process by nginx; exit 1 where nginx or its RTMP module is missing."""
    settings = NginxSettings.load()
    module, nginx = find_module(), shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if module is None or nginx is None:
        print("nginx or its RTMP module is missing: install nginx and libnginx-mod-rtmp", file=sys.stderr)  # noqa: T201
        raise SystemExit(EXIT_CANNOT_START)
    try:
        text = render(settings, module=module, boot=secrets.token_hex(8), is_root=os.geteuid() == 0)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - nginx itself speaks to standard error
        raise SystemExit(EXIT_CANNOT_START) from error
    settings.run_path.mkdir(parents=True, exist_ok=True)
    rendered = settings.run_path.absolute() / "nginx.conf"
    rendered.write_text(text)
    os.execv(nginx, [nginx, "-p", str(settings.run_path.absolute()), "-c", str(rendered)])  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
