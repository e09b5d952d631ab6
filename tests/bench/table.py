"""What a benchmark found, in rows that can be read and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one side used within `seconds`: CPU seconds by process, and the pictures it gave meanwhile."""

    seconds: float
    cpu: Mapping[str, float]
    pictures: int

    @property
    def cpu_seconds(self) -> float:
        """Give the whole."""
        return sum(self.cpu.values())

    @property
    def core(self) -> float:
        """Give the share of a core (1: all of one)."""
        return self.cpu_seconds / self.seconds

    def times_less_than(self, other: Used) -> float:
        """Say how many times as much the other used, each by its own time."""
        return other.core / self.core if self.core else float("inf")

    def parts(self) -> str:
        """Give each process's share of a core."""
        return ", ".join(f"{name} {cpu / self.seconds:.2%}" for name, cpu in self.cpu.items() if cpu)


def verdict(*, is_kept: bool) -> str:
    """Spell whether a bound is kept."""
    return "pass" if is_kept else "FAIL"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table as Markdown, its columns aligned."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(head), line(["-" * width for width in widths]), *(line(row) for row in rows)])
