"""The command line of deploy and destroy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
"""As main.yaml's templates take it."""
BOOTSTRAP = "-bootstrap"
IMAGES = ("gateway", "services", "worker")
_DEPLOY = """
Build the images, send them and the templates to AWS, and make or change the stack there. Says first what it will make
and what that costs, and asks. Safe to run again, also after it was interrupted. Needs docker, podman or buildah, and
credentials as the aws command has them; the aws command itself is not needed.
"""
_DESTROY = """
Take a stack away, its images and templates included. The table of state and the bucket of media stay, and the next
deploy of the same name takes them over; --delete-data removes them too. Safe to run again.
"""


def read(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; exit 2 if it cannot be understood."""
    parser = argparse.ArgumentParser(prog="./setup.sh", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="deploy | destroy")
    deploy = _command(commands, "deploy", _DEPLOY)
    deploy.add_argument("--certificate-arn", metavar="ARN", help="RTMPS on port 443 with this certificate of ACM")
    deploy.add_argument(
        "--spot",
        action=argparse.BooleanOptionalAction,
        help="three of four workers on Fargate Spot; stays as it is if left out",
    )
    deploy.add_argument(
        "--arm64", action=argparse.BooleanOptionalAction, help="run on ARM, a fifth cheaper; stays as it is if left out"
    )
    deploy.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="of main.yaml; may be repeated",
    )
    for name in IMAGES:
        deploy.add_argument(f"--image-{name}", metavar="IMAGE", help=f"use this image, and build none of the {name}")
    deploy.add_argument("--dry-run", action="store_true", help="say all, with the change set, and change nothing")
    destroy = _command(commands, "destroy", _DESTROY)
    destroy.add_argument(
        "--delete-data", action="store_true", help="remove the table and the bucket too; asks for the name"
    )
    return parser.parse_args(argv)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, told: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, description=told, help=told.strip().partition(".")[0], allow_abbrev=False)
    parser.add_argument("--stack-name", type=_stack_name, default="streamkeep", metavar="NAME")
    parser.add_argument("--region", help="where; left out, what AWS_REGION or the profile says")
    parser.add_argument("--profile", help="of ~/.aws/config")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _stack_name(text: str) -> str:
    if not STACK_NAME.fullmatch(text) or text.endswith(BOOTSTRAP):
        raise argparse.ArgumentTypeError(
            f"{text!r}: a small letter, then up to 29 small letters, digits and dashes, and not {BOOTSTRAP} at its end"
        )
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=VALUE")
    return name, value
