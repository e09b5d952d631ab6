"""A worker's life, counted in steps: it is killed at one of them."""

from __future__ import annotations


class Killed(BaseException):
    """The end of the worker."""


class Life:
    """Counts steps, and ends at one of them; what still runs then does not get far."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    @property
    def is_over(self) -> bool:
        return self.left < 0
