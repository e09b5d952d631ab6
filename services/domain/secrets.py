"""Text that must not reach a log: its `str` and `repr` are redacted."""

from __future__ import annotations

import hmac


class Secret:
    """A secret text; `reveal()` is the one way to its content."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Wrap `value`."""
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself, for the place that must use it."""
        return self._value

    def matches(self, candidate: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._value.encode(), candidate.encode(errors="surrogatepass"))

    def __repr__(self) -> str:
        """Show that there is a secret, not which."""
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Equal when the content is."""
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self._value)
