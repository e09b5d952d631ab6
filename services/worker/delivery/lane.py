"""A lane: one output's way into the store, bounded, and apart from the other outputs' ways."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.domain.errors import LeaseLost, StoreBusy, Unavailable
from services.runtime import metrics
from services.worker.child_program import ChildFailed
from services.worker.delivery.backlog import Backlog
from services.worker.delivery.parcel import Parcel, Waiting
from services.worker.delivery.patience import Patience, wait_seconds
from services.worker.delivery.work import Work

log = structlog.get_logger()

UNEXPECTED = 4
"""So many errors that nobody foresaw, and a file is given up: it must not keep its session from ending."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """Prepares one file after the other and uploads several at once; the producer never waits.

    `in_order` says that they are noted in the order of their times. `grown` is called when more waits than before.
    """

    name: str
    work: Work
    patience: Patience
    uploads: int
    in_order: bool
    grown: Callable[[], None] = lambda: None
    backlog: Backlog = field(default_factory=Backlog)
    _closed: deque[Parcel] = field(default_factory=deque)
    _closed_cost: int = 0
    _is_preparing: bool = False
    _is_over: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def cost(self) -> int:
        """Give what all that waits takes of the spool's bound (bytes)."""
        return self.backlog.cost + self._closed_cost

    def put(self, waiting: Waiting) -> None:
        """Take a closed file."""
        self.work.taken(waiting)
        parcel = waiting.parcel()
        self._closed.append(parcel)
        self._closed_cost += parcel.cost
        self._changed()

    def add(self, parcel: Parcel) -> None:
        """Take one that is prepared."""
        self.backlog.add(parcel)
        self._changed()

    def waiting(self) -> int:
        """Count what is not committed yet."""
        return len(self.backlog) + len(self._closed) + self._is_preparing

    async def run(self) -> None:
        """Ship until closed and empty."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._prepare(), name=f"preparing {self.name}")
                for number in range(self.uploads):
                    tasks.create_task(self._upload(), name=f"uploading {self.name} {number}")
        except BaseExceptionGroup as errors:
            if errors.subgroup(LeaseLost) is not None:
                raise LeaseLost from None
            raise

    async def close(self) -> None:
        """Take no more; `run` ends when all is shipped."""
        self._is_over = True
        self._news.set()

    def drop_oldest(self) -> bool:
        """Give up the oldest file that is not under way; say False where there is none."""
        dropped = self.backlog.drop_oldest()
        if dropped is None:
            if not self._closed:
                return False
            dropped = self._closed.popleft()
            self._closed_cost -= dropped.cost
        self._lose(dropped, "store_dropped")
        return True

    def _lose(self, parcel: Parcel, cause: str) -> None:
        following = self.backlog.after(parcel.file.start, parcel.part)
        if following is None:
            closed = (each.file.start for each in self._closed if each.part == parcel.part)
            following = next((start for start in closed if start > parcel.file.start), None)
        self.work.lose(parcel, cause, following)
        self._commit()

    def _commit(self) -> None:
        for shipped, entry in self.backlog.commit(in_order=self.in_order):
            self.work.commit(shipped, entry)
        self._show()
        self._news.set()

    def _changed(self) -> None:
        self._show()
        self._news.set()
        self.grown()

    def _show(self) -> None:
        metrics.SPOOL_BYTES.labels(self.name).set(self.cost)
        metrics.SPOOL_FILES.labels(self.name).set(self.waiting())

    async def _prepare(self) -> None:
        while self._closed or not self._is_over:
            if not self._closed:
                await self._wait(None)
                continue
            parcel = self._closed.popleft()
            self._closed_cost -= parcel.cost
            self._is_preparing = True
            try:
                for prepared in await self.work.prepare(Waiting(parcel.file, parcel.part, parcel.anchor)):
                    self.backlog.add(prepared)
            except LeaseLost:
                raise
            except ChildFailed as error:
                log.warning("file_given_up", file=parcel.file.path.name, bytes=parcel.bytes, error=str(error))
                self._lose(parcel, "undecodable")
            except FileNotFoundError:
                log.error("file_gone", file=parcel.file.path.name)  # noqa: TRY400 - somebody emptied the spool
                self._lose(parcel, "store_dropped")
            except Exception:  # whatever one file does to us, its lane goes on
                log.exception("file_poisoned", file=parcel.file.path.name, bytes=parcel.bytes)
                self._lose(parcel, "undecodable")
            finally:
                self._is_preparing = False
            self._changed()

    async def _upload(self) -> None:
        tries = 0
        while True:
            async with self._turn:  # one waits for news, the others for their turn: news wakes one of them
                taken = await self._next()
            if taken is None:
                return
            error = await self._try(*taken)
            tries = 0 if error is None else tries + 1
            if error is not None and (self.patience.is_away or isinstance(error, StoreBusy)):
                await self.patience.pause(wait_seconds(tries, error), busy=isinstance(error, StoreBusy))

    async def _next(self) -> tuple[int, Parcel] | None:
        """Give what goes next as soon as there is something, None when nothing more comes."""
        while not (self._is_over and self.waiting() == 0):
            taken = self.backlog.take(time.monotonic(), self.patience.returns)
            if taken is not None:
                return taken
            await self._wait(self.backlog.next_ready())
        self._news.set()
        return None

    async def _wait(self, until: float | None) -> None:
        self._news.clear()
        seconds = None if until is None else max(0.01, until - time.monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _try(self, number: int, parcel: Parcel) -> Exception | None:
        """Upload a parcel once; what fails goes back and rests."""
        began = time.monotonic()
        try:
            self.backlog.arrived(number, await self.work.upload(parcel))
        except Unavailable as error:
            self.backlog.failed(number, partial(_rest, error), self.patience.returns)
            self._news.set()
            return error
        except LeaseLost:
            raise
        except FileNotFoundError:
            log.error("file_gone", file=parcel.file.path.name)  # noqa: TRY400 - somebody emptied the spool
            self._give_up(number)
            return None
        except Exception as error:  # see above
            log.exception("upload_failed", file=parcel.file.path.name)
            if self.backlog.failed(number, partial(_rest, error), self.patience.returns) >= UNEXPECTED:
                self._give_up(number)
            self._news.set()
            return error
        metrics.UPLOAD_SECONDS.labels(self.name).observe(time.monotonic() - began)
        self._commit()
        return None

    def _give_up(self, number: int) -> None:
        self._lose(self.backlog.remove(number).parcel, "store_dropped")


def _rest(error: Exception, tries: int) -> float:
    return time.monotonic() + wait_seconds(tries, error)
