"""Addresses of streams that we fetch ourselves: what may stand in one, and how it is shown.

What comes before an @ and the values of a query are credentials as often as not: they are shown as ***, and an address
that is sent back as it was shown means the one that is kept.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from services.domain.errors import InvalidInput

FIELD = "source_url"
LENGTH_MAX = 2_000  # characters
PORTS = {"rtmp": 1935, "rtmps": 443, "rtsp": 554, "http": 80, "https": 443}
"""The port of each scheme where an address names none."""
SCHEMES = (*PORTS, "srt")
MASK = "***"
SRT_OPTIONS = ("streamid", "passphrase", "pbkeylen", "latency", "rcvlatency", "peerlatency", "transtype")
"""What the query of an SRT address may ask for: what concerns the stream. The others are about this machine."""
_SRT_IGNORED = ("mode", "caller")


def require_source(url: str, field: str = FIELD) -> SplitResult:
    """Give the parts of an address that may be fetched; raise InvalidInput naming `field`."""
    if len(url) > LENGTH_MAX:
        raise InvalidInput(field, f"at most {LENGTH_MAX:,} characters")
    if not url.isascii() or not url.isprintable() or any(letter in url for letter in " '\"\\"):
        raise InvalidInput(
            field, "may hold no space, quote, backslash or other than ASCII: write those as %20 and so on"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput(field, "is no address: look at its host and its port") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise InvalidInput(field, f"must begin with {'://, '.join(SCHEMES)}:// and name a host")
    if port == 0 or (port is None and parts.scheme not in PORTS):
        raise InvalidInput(field, "must name a port of 1 to 65535 after the host")
    if MASK in url:
        raise InvalidInput(field, f"holds {MASK}, as an answer shows what is secret: send the address in full")
    if parts.scheme == "srt":
        srt_options(parts, field)
    return parts


def srt_options(parts: SplitResult, field: str = FIELD) -> dict[str, str]:
    """Give what an SRT address asks of its connection; raise InvalidInput naming `field`."""
    asked = [pair for pair in parse_qsl(parts.query) if pair != _SRT_IGNORED]
    if any(name not in SRT_OPTIONS for name, _ in asked):
        raise InvalidInput(field, f"an SRT address may ask for {', '.join(SRT_OPTIONS)} and nothing else")
    if not all(value.isprintable() for _, value in asked):
        raise InvalidInput(field, "holds an encoded line's end or another letter that cannot be shown")
    return dict(asked)


def masked(url: str) -> str:
    """Give the address as answers show it."""
    parts = urlsplit(url)
    _, at, place = parts.netloc.rpartition("@")
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    query = "&".join(f"{name}={MASK}" if equals else name and MASK for name, equals, _ in pairs)
    return urlunsplit(parts._replace(netloc=f"{MASK}@{place}" if at else place, query=query))


def unmasked(given: str, kept: str) -> str:
    """Give the address that is meant: the one that is kept where its masked form was sent back."""
    return kept if kept and given == masked(kept) else given
