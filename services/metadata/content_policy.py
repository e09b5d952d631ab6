"""What a page of ours may load and from where (Content-Security-Policy), and the headers that go with it."""

from __future__ import annotations

from collections.abc import Sequence

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING_ELSE = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def console_headers(media_origins: Sequence[str]) -> dict[str, str]:
    """Give the console's headers; media may also come from `media_origins`, to which links lead on.

    `blob:` is how a page shows a picture that it fetched with its token, and how hls.js feeds a player.
    """
    own_and_media = " ".join(("'self'", *media_origins))
    return _headers(
        {
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": own_and_media,
            "img-src": f"{own_and_media} blob:",
            "media-src": f"{own_and_media} blob:",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
    )


def docs_headers() -> dict[str, str]:
    """Give the headers of the API's page; Swagger UI's style sheet carries its icons as `data:`."""
    return _headers({"script-src": "'self'", "style-src": "'self'", "connect-src": "'self'", "img-src": "'self' data:"})


def _headers(directives: dict[str, str]) -> dict[str, str]:
    policy = "; ".join(f"{name} {sources}" for name, sources in (_NOTHING_ELSE | directives).items())
    return {**_ALWAYS, "Content-Security-Policy": policy}
