"""The callback app as a process of its own, with a launcher double: `python -m tests.gateway.served`.

It prints its port when it answers, then channel and session of each worker it starts, and stops at SIGTERM.
"""

from __future__ import annotations

from pathlib import Path

import uvloop

from services.domain.ports import LaunchOrder
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.gateway.bootstrap import OwnedLauncher, callback_app
from services.gateway.exits import OnExit
from services.gateway.settings import GatewaySettings
from services.runtime import logging
from services.runtime.serving import listen, serving
from services.runtime.shutdown import stop_event
from tests.doubles.launcher import LauncherDouble
from tests.gateway.nginx_process import Nginx

SECRETS = "one:publish-secret-one,two:publish-secret-two"
INTERNAL_TOKEN = "internal-token-for-tests"


KEYRING = Keyring.parse(Secret(SECRETS))


def settings_variables(folder: Path, *, port: int, nginx: Nginx, **more: str) -> dict[str, str]:
    """Give the environment of an app whose files lie in `folder`."""
    own = {
        "STATE_PATH": str(folder / "state.db"),
        "OBJECTS_PATH": str(folder / "objects"),
        "SPOOL_PATH": str(folder / "spool"),
        "PORT": str(port),
        "PUBLISH_SECRETS": SECRETS,
        "INTERNAL_TOKEN": INTERNAL_TOKEN,
        "NGINX_URL": nginx.url,
        "PULL_URL": nginx.rtmp_url,
        **more,
    }
    return {f"STREAMKEEP_{name}": value for name, value in own.items()}


def double(settings: GatewaySettings, on_exit: OnExit) -> OwnedLauncher:
    """Give a launcher of workers in name only; each start is a line on standard output."""
    del settings

    def tell(order: LaunchOrder) -> None:
        print(order.channel_id, order.session_id, flush=True)

    return LauncherDouble(on_exit=on_exit, program=tell)


async def run(settings: GatewaySettings) -> None:
    """Serve until told to stop."""
    async with stop_event(None) as stop:
        with listen(settings.host, settings.port) as bound:
            async with callback_app(settings, launcher_factory=double) as app, serving(app.routes(), bound):
                print(bound.getsockname()[1], flush=True)
                await stop.wait()


def main() -> None:
    """Read the settings and serve."""
    settings = GatewaySettings.load()
    logging.configure("gateway", level=settings.log_level, form=settings.log_format)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
