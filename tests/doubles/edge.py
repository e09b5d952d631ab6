"""CloudFront as far as it runs our function: by Node, over the function's own text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

ROOT = Path(__file__).parent.parent.parent
FUNCTION = ROOT / "cloudformation/functions/link.js"


def request_of(url: str) -> dict[str, Any]:
    """Give what a request for an address tells the function of it."""
    split = urlsplit(url)
    query = {name: {"value": value} for name, value in parse_qsl(split.query, keep_blank_values=True)}
    return {"uri": split.path, "querystring": query}


class Edge:
    """Asks the function what becomes of a request."""

    def __init__(self, **stored: str) -> None:
        """`stored` is what the key value store holds."""
        self._process = subprocess.Popen(
            ["node", str(Path(__file__).parent / "edge.mjs"), str(FUNCTION), json.dumps(stored)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input ends it

    def ask(self, url: str) -> dict[str, Any]:
        """Give the request as the function passes it on, or its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request_of(url)) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))
