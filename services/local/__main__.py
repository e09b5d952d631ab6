"""Starts the stack from the command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from services.local.credentials import Credentials
from services.local.errors import CannotStart
from services.local.folder import DataFolder
from services.local.parts import Parts
from services.local.ports import MAX_OFFSET, Ports
from services.local.settings import LocalSettings
from services.local.stack import require_machine, run
from services.runtime import logging
from services.runtime.steady_output import steady
from services.runtime.storage_settings import State, Store

EXIT_CANNOT_START = 1


def offset(text: str) -> int:
    """Read a port offset; raise ValueError if no port could be moved by it."""
    number = int(text)
    if not 0 <= number <= MAX_OFFSET:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and {MAX_OFFSET}")
    return number


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; exit 2 if it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="setup.sh local", description="Run the whole of streamkeep on this machine.", allow_abbrev=False
    )
    parser.add_argument("--demo", action="store_true", help="also publish a moving test picture to the channel demo")
    parser.add_argument("--port-offset", type=offset, default=0, metavar="N", help="move every port by N")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="the folder (default ./data)")
    kept = "DynamoDB and S3 are those that the usual AWS_ variables lead to"
    parser.add_argument("--state", choices=get_args(State), help=f"where state is kept; {kept}")
    parser.add_argument("--store", choices=get_args(Store), help="where objects are kept")
    return parser.parse_args(argv)


def main() -> None:
    """Check the machine and run; exit 1 with what to do if it cannot start, 0 after a stop that was asked for."""
    wishes = arguments()
    settings = LocalSettings.load()
    logging.configure("local", level=settings.log_level, form=settings.log_format)
    ports, folder = Ports.moved(wishes.port_offset), DataFolder(wishes.data.absolute())
    try:
        require_machine(settings, folder)
        with folder.held():
            ports.require_free(settings.rtmp_host)
            token = settings.token.get_secret_value() if settings.token else None
            credentials = Credentials.at(folder.credentials, token)
            parts = Parts(
                settings=settings,
                state=wishes.state or settings.state,
                store=wishes.store or settings.store,
                ports=ports,
                folder=folder,
                credentials=credentials,
            )
            asyncio.run(run(parts, demo=wishes.demo))
    except CannotStart as error:
        print(f"streamkeep cannot start: {error}", file=sys.stderr)  # noqa: T201 - for the user, not for the log
        raise SystemExit(EXIT_CANNOT_START) from None
    print("streamkeep has stopped.", file=steady(sys.stdout))


if __name__ == "__main__":
    main()
