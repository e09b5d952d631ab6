"""What a user is told when the stack is ready."""

from __future__ import annotations

from urllib.parse import quote

from services.local.parts import DEMO_CHANNEL, Parts
from services.local.readiness import Publish


def banner(parts: Parts, publish: Publish) -> str:
    """Give the text with all that is needed to publish, to call the API and to find the files."""
    api, token, folder = parts.api_url, parts.credentials.token.reveal(), parts.folder
    rows = (
        ("OBS server", publish.server),
        ("Stream key", publish.stream_key),
        # Browsers keep a fragment to themselves: the token is in no request and no log.
        ("Console", f"{api}/console/#token={quote(token, safe='')}"),
        ("API", api),
        ("API docs", f"{api}/docs"),
        ("Token", token),
        ("Files", parts.objects_place),
        ("Data folder", str(folder.root)),
        *((("Events", f"tail -F {folder.events}"),) if parts.settings.events and parts.settings.sinks is None else ()),
        ("Try", f"curl -H 'Authorization: Bearer {token}' {api}/channels/{DEMO_CHANNEL}"),
    )
    lines = "\n".join(f"  {name + ':':<13}{value}" for name, value in rows)
    return f"\nstreamkeep is ready. Ctrl-C stops it.\n\n{lines}\n"
