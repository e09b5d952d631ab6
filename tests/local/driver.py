"""Supervises the programs of a test: `python -m tests.local.driver`, its plan as JSON on standard input."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from services.domain.secrets import Secret
from services.local.children import Children
from services.local.errors import CannotStart
from services.local.lifeline import Lifeline
from services.local.program import Program
from services.local.supervisor import Supervisor
from services.runtime import logging
from services.runtime.shutdown import stop_event
from tests.local.news import report


async def run(plan: dict[str, Any]) -> None:
    async with stop_event(None) as stop:
        with Lifeline() as lifeline, Children() as children:
            supervisor = Supervisor(children, lifeline)
            for each in plan["programs"]:
                supervisor.keep(Program(**{**each, "hidden": tuple(Secret(text) for text in each["hidden"])}))
            if plan["ready"]:
                supervisor.ready()
            report(plan["news"], "driver", "started", os.getpid())
            waiting = asyncio.create_task(stop.wait())
            failing = asyncio.create_task(supervisor.failed())
            await asyncio.wait([waiting, failing], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if failing.done():
                try:
                    failing.result()
                except CannotStart as error:
                    report(plan["news"], "driver", f"failed: {error}", os.getpid())
            failing.cancel()
            await supervisor.stop(plan["stop_seconds"])
    report(plan["news"], "driver", "stopped", os.getpid())


if __name__ == "__main__":
    logging.configure("local", level="info", form="console")
    asyncio.run(run(json.load(sys.stdin)))
