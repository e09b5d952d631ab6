"""What a container has used, as the kernel counts it, in either version of cgroups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NANOSECONDS, _MICROSECONDS = 1e9, 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """Where the kernel counts for one container."""

    cpu: Path
    memory: Path
    is_unified: bool

    @classmethod
    def of(cls, pid: int) -> Cgroup:
        """Give those of a process."""
        lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
        if len(lines) == 1:
            folder = _ROOT / lines[0][2].lstrip("/")
            return cls(cpu=folder, memory=folder, is_unified=True)
        places = {name: path.lstrip("/") for _, names, path in lines for name in names.split(",")}
        return cls(
            cpu=_ROOT / "cpuacct" / places["cpuacct"], memory=_ROOT / "memory" / places["memory"], is_unified=False
        )

    def cpu_seconds(self) -> float:
        """Give the CPU time used so far."""
        if self.is_unified:
            return _entry(self.cpu / "cpu.stat", "usage_usec") / _MICROSECONDS
        return int((self.cpu / "cpuacct.usage").read_text()) / _NANOSECONDS

    def peak_bytes(self) -> int:
        """Give the most memory ever charged to it, file cache included."""
        name = "memory.peak" if self.is_unified else "memory.max_usage_in_bytes"
        return int((self.memory / name).read_text())

    def own_bytes(self) -> int:
        """Give what its processes hold now, without the file cache, which gives way."""
        return _entry(self.memory / "memory.stat", "anon" if self.is_unified else "total_rss")


def _entry(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.split()[0] == name)
