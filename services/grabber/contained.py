"""Becomes another program, in a sandbox: it reads and runs what is installed, writes nothing, dies with its parent."""

from __future__ import annotations

import os
import sys

from services.runtime.sandbox import kernel
from services.runtime.sandbox.confinement import confine_program


def main() -> None:
    """Become the program that the arguments name."""
    kernel.die_with_parent()
    confine_program()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the arguments are this package's own


if __name__ == "__main__":
    main()
