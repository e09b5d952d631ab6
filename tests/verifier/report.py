"""What the verifier has to say: findings, each with a name, and figures."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as promised: `name` is that of the check, `what` says where."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(slots=True)
class Report:
    """What was found in one session; `published` and `lost` are None and empty where no log of frames was given.

    `captured` counts the published frames that each output holds, `lost` those that one lacks, by output and cause.
    """

    session: str
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    published: int | None = None
    captured: dict[str, int] = field(default_factory=dict)
    lost: dict[str, dict[str, int]] = field(default_factory=dict)
    missing: dict[str, list[float]] = field(default_factory=dict)
    """When each lost frame's picture happened (epoch s), by output."""

    def find(self, name: str, what: str) -> None:
        self.findings.append(Finding(name, what))

    @property
    def names(self) -> set[str]:
        """Give the names of the checks that failed."""
        return {finding.name for finding in self.findings}

    @property
    def ratio(self) -> float:
        """Give captured ÷ published of the output that lost most; 1 where no log was given."""
        if not self.published or not self.captured:
            return 1.0
        return min(self.captured.values()) / self.published

    def lines(self) -> list[str]:
        """Give the findings, then the summary."""
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        summary = f"session {self.session}: {len(self.findings)} findings; {figures}"
        if self.published is not None:
            shares = [f"{name} {count}/{self.published}" for name, count in self.captured.items()]
            lost = "; ".join(f"{name} lost {causes}" for name, causes in self.lost.items() if causes)
            summary += f"; captured/published {self.ratio:.4f} ({', '.join(shares)}){'; ' if lost else ''}{lost}"
        return [*(str(finding) for finding in self.findings), summary]
