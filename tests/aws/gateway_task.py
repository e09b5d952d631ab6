"""One gateway task: nginx and the callback app, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.aws.program import Program
from tests.gateway.nginx_process import Nginx, new_nginx


class GatewayTask:
    """Started at once; `name` is that of one task, which never comes again."""

    def __init__(self, name: str, folder: Path, log: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self.nginx: Nginx = new_nginx(folder / "run")
        backlog = str(folder / "backlog")
        self.nginx.variables["STREAMKEEP_BACKLOG_PATH"] = backlog
        self.nginx.start()
        own = {
            "PORT": str(self.nginx.callback_port),
            "NGINX_URL": self.nginx.url,
            "PULL_URL": self.nginx.rtmp_url,
            "GATEWAY_NAME": name,
            "BACKLOG_PATH": backlog,
            "MIN_FREE_BYTES": "0",
        }
        settings = {f"STREAMKEEP_{key}": value for key, value in own.items()}
        self.app = Program("gateway", folder, log, {**variables, **settings})

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.nginx.callback_port}"

    def leads(self, url: str) -> str:
        """Give a publish address as the load balancer would lead it here."""
        return urlunsplit(urlsplit(url)._replace(netloc=urlsplit(self.nginx.rtmp_url).netloc))

    def kill(self) -> None:
        """End all of it without a farewell, as its host dies."""
        self.nginx.kill()
        self.app.kill()

    def stop(self) -> None:
        """Stop it as ECS does: nginx goes when the app has let its publishers go."""
        self.app.stop()
        self.nginx.__exit__()
