"""CloudFront as far as it runs our function, by njs: its own engine comes from that, and knows less than Node."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.doubles.edge import FUNCTION, request_of

IMPORTS = 'import cf from "cloudfront";'
SECONDS = 10.0


class NjsEdge:
    """Asks the function what becomes of a request, in a process of its own each time."""

    def __init__(self, **stored: str) -> None:
        """`stored` is what the key value store holds."""
        source = FUNCTION.read_text()
        assert IMPORTS in source
        store = (
            f"const stored = {json.dumps(stored)};\nconst cf = {{kvs: () => ({{get: async (key) => stored[key]}})}};"
        )
        self._source = source.replace(IMPORTS, store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, url: str) -> dict[str, Any]:
        """Give the request as the function passes it on, or its answer."""
        event = {"version": "1.0", "request": {"method": "GET", "headers": {}, "cookies": {}, **request_of(url)}}
        asked = f"\nhandler({json.dumps(event)}).then((said) => console.log(JSON.stringify(said)));\n"
        with tempfile.NamedTemporaryFile("w", suffix=".js") as script:
            script.write(self._source + asked)
            script.flush()
            ran = subprocess.run(
                ["njs", script.name], capture_output=True, text=True, timeout=SECONDS, check=False, cwd=Path("/")
            )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return dict(json.loads(ran.stdout.strip().strip("'")))
