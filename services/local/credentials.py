"""The secrets of one stack, made at its first start and kept in its data folder."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from services.domain.secrets import Secret
from services.local.errors import CannotStart

_ENTROPY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The admin token, the token of private calls, and the signing secrets as `id:secret[,id:secret]`."""

    token: Secret
    internal_token: Secret
    publish_secrets: Secret
    link_secrets: Secret

    @classmethod
    def at(cls, path: Path, token: str | None) -> Self:
        """Read the file, or make it; a given `token` stands in for the kept one and is not stored."""
        if not path.exists():
            _write(path, _fresh())
        kept = _read(path)
        return cls(
            token=Secret(token or kept["token"]),
            internal_token=Secret(kept["internal_token"]),
            publish_secrets=_listed(kept["publish_secrets"]),
            link_secrets=_listed(kept["link_secrets"]),
        )


def _fresh() -> dict[str, Any]:
    return {
        "token": secrets.token_urlsafe(_ENTROPY_BYTES),
        "internal_token": secrets.token_urlsafe(_ENTROPY_BYTES),
        "publish_secrets": {"k1": secrets.token_hex(_ENTROPY_BYTES)},
        "link_secrets": {"k1": secrets.token_hex(_ENTROPY_BYTES)},
    }


def _listed(by_id: dict[str, str]) -> Secret:
    return Secret(",".join(f"{key}:{value}" for key, value in by_id.items()))


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write all or nothing, private from the first byte: half a file would cost every stream key."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        path.chmod(0o600)
        content = json.loads(path.read_text())
        _require_shape(content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotStart(
            f"{path}: cannot be used ({type(error).__name__}); restore it from a copy, or remove it: "
            "a new one is made, and every stream key and link given out stops working"
        ) from error
    return dict(content)


def _require_shape(content: Any) -> None:  # noqa: ANN401 - whatever JSON may be
    texts = [content["token"], content["internal_token"]]
    for name in ("publish_secrets", "link_secrets"):
        texts += content[name].values()
        if not content[name]:
            raise ValueError(name)
    if not all(isinstance(text, str) and text for text in texts):
        raise TypeError("secrets are texts")
