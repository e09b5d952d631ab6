"""What an operator runs by hand: `streamkeep export`, `import`, `prepare`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import TypeVar

from services.admin import bootstrap, exporting, transfer_file
from services.admin.entry import KINDS
from services.admin.importing import import_all
from services.admin.private_file import STANDARD, reading, writing
from services.admin.settings import PlaceSettings, StateSettings
from services.admin.transfer_file import Counts
from services.domain.clock import SystemClock
from services.domain.errors import StreamkeepError, Unavailable
from services.runtime import logging
from services.runtime.settings import Settings

EXIT_CANNOT = 1

_Kind = TypeVar("_Kind", bound=Settings)

_WHERE = """
State is where the services find it: STREAMKEEP_STATE=sqlite with STREAMKEEP_STATE_PATH=DIR/state.db, or
STREAMKEEP_STATE=dynamodb with STREAMKEEP_TABLE and the usual AWS_ variables.
"""
_EXPORT = """
Write channels, what each is doing, and sessions as JSON lines. The file holds the tokens of open sessions: it is made
readable by its owner only. An export of a stack that runs is a backup; to move, stop the stack first.
"""
_IMPORT = """
Add what an export holds to the state, which no stack may be using meanwhile. The whole file is checked before anything
is stored. What is there already stays as it is, so that an import that was interrupted can be run again; an entry that
is there with other content is named, and the command ends with 1.
"""
_PREPARE = """
Make the DynamoDB table (STREAMKEEP_STATE=dynamodb) and the S3 bucket (STREAMKEEP_STORE=s3, STREAMKEEP_BUCKET) where
they are missing. Safe to run again.
"""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; exit 2 if it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="streamkeep", description="Commands for who runs streamkeep.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="export | import | prepare")
    export = _command(commands, "export", _EXPORT, run=run_export)
    export.add_argument("file", nargs="?", default=STANDARD, metavar="FILE", help="- or nothing: standard output")
    taking = _command(commands, "import", _IMPORT, run=run_import)
    taking.add_argument("file", metavar="FILE", help="what `streamkeep export` wrote; - is standard input")
    _command(commands, "prepare", _PREPARE, run=run_prepare)
    return parser.parse_args(argv)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, told: str, **defaults: object
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=told.strip().partition(".")[0], description=told, epilog=_WHERE)
    parser.set_defaults(**defaults)
    return parser


def run_export(wishes: argparse.Namespace) -> int:
    """Write the export; say what it holds."""
    settings = _loaded(StateSettings)
    clock = SystemClock()
    with bootstrap.opened(settings, must_exist=True) as state, writing(wishes.file) as file:
        working = exporting.at_work(state.overview, clock)
        found = exporting.entries(state.channels, state.sessions, state.overview)
        counts = transfer_file.write(found, file, made_at=clock.now())
    _tell(f"exported {_listed(counts)}")
    if working:
        were = "session was" if working == 1 else "sessions were"
        _tell(f"{working} {were} being captured meanwhile: this is a backup; to move, stop the stack first")
    return 0


def run_import(wishes: argparse.Namespace) -> int:
    """Store what is missing; say what was done with the rest."""
    settings = _loaded(StateSettings)
    with reading(wishes.file) as file, bootstrap.opened(settings, must_exist=False) as state:
        if working := exporting.at_work(state.overview, SystemClock()):
            are = "session of this state is" if working == 1 else "sessions of this state are"
            _tell(
                f"streamkeep: {working} {are} being captured; stop the stack that uses it (one "
                "that was killed counts as running for a minute), then import again"
            )
            return EXIT_CANNOT
        try:
            tally = import_all(file, state.channels, state.sessions, _tell)
        except Unavailable as error:
            _tell(f"streamkeep: {error}; run the import again: it goes on with what is missing")
            return EXIT_CANNOT
    _tell(f"added {_listed(tally.added)}; already there {_listed(tally.there)}")
    if tally.conflicts:
        _tell(f"in conflict {_listed(tally.conflicts)}: to have those of the file, import into an empty state")
    return EXIT_CANNOT if tally.conflicts else 0


def run_prepare(_wishes: argparse.Namespace) -> int:
    """Make what is missing; say what was done."""
    for line in bootstrap.prepare(_loaded(PlaceSettings)):
        _tell(line)
    return 0


def _loaded(kind: type[_Kind]) -> _Kind:
    settings = kind.load()
    logging.configure("admin", level=settings.log_level, form=settings.log_format)
    return settings


def _listed(counts: Counts) -> str:
    return ", ".join(f"{counts[kind]} {kind if counts[kind] == 1 else f'{kind}s'}" for kind in KINDS)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - for the operator; standard output may be the export itself


def main() -> None:
    """Do what the command line says; exit 2 for bad settings or arguments, 1 if it cannot be done."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wishes = arguments()
    try:
        raise SystemExit(wishes.run(wishes))
    except StreamkeepError as error:
        _tell(f"streamkeep: {error}")
    except OSError as error:
        _tell(f"streamkeep: {error.filename or getattr(wishes, 'file', '')}: {error.strerror}")
    except KeyboardInterrupt:
        _tell("streamkeep: stopped before it was done")
    raise SystemExit(EXIT_CANNOT)


if __name__ == "__main__":
    main()
