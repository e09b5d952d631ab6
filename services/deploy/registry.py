"""Images into ECR, each under the digest of what it holds: what is there is never sent again."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.deploy.account import code
from services.deploy.engine import Engine
from services.deploy.images import Image
from services.deploy.telling import say

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

TAG_DIGITS = 32


def remote(image: Image, repository: str) -> str:
    """Give an image's name in a repository of ECR."""
    return f"{repository}:{_tag(image)}"


@contextmanager
def signed_in(engine: Engine, ecr: ECRClient) -> Iterator[None]:
    """Let the engine push while the block runs; the token, of twelve hours, never stands on a command line."""
    (given,) = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    registry = given["proxyEndpoint"].removeprefix("https://")
    engine.sign_in(registry, user, password)
    try:
        yield
    finally:
        engine.sign_out(registry)


def push(engine: Engine, ecr: ECRClient, image: Image, repository: str) -> None:
    """Send an image unless the repository has it; raise EngineFailed."""
    name = remote(image, repository)
    if _is_there(ecr, repository.partition("/")[2], _tag(image)):
        say(f"{name}: is there already")
        return
    engine.tag(image.id, name)
    engine.push(name)
    say(f"{name}: pushed")


def _tag(image: Image) -> str:
    return image.id.removeprefix("sha256:")[:TAG_DIGITS]


def _is_there(ecr: ECRClient, repository: str, tag: str) -> bool:
    try:
        found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if code(error) == "ImageNotFoundException":
            return False
        raise
    return bool(found["imageDetails"])
