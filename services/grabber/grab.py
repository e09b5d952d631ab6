"""One picture from start to end, by a deadline."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import TooSlow
from services.domain.errors import StreamkeepError
from services.domain.grab import GrabOrder
from services.grabber.decoding import Decoder, NoDecoder, Picture
from services.grabber.feed import Feed, File
from services.grabber.findings import Findings
from services.grabber.sources import open_source


@dataclass(frozen=True, slots=True)
class Grabbed:
    """A picture; `position`: seconds into the source, `at`: when it was taken, each None where nobody knows."""

    picture: Picture
    position: float | None
    at: datetime | None


Outcome = Grabbed | StreamkeepError | NoDecoder


def grab(order: GrabOrder, guard: AddressGuard) -> Grabbed:
    """Give the picture; raise InvalidInput, Unavailable, FetchFailed with its kinds, or NoDecoder."""
    findings = Findings()
    decoder = Decoder()  # in this thread: with the one that started it a child ends
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    arguments = (order, guard, decoder, findings, outcomes)
    threading.Thread(target=_fetch, args=arguments, name="fetch", daemon=True).start()
    outcome: Outcome
    try:
        outcome = outcomes.get(timeout=Deadline(order.deadline).left)
    except queue.Empty:
        outcome = TooSlow()
    finally:
        decoder.kill()
    if isinstance(outcome, TooSlow):
        raise TooSlow(f"there was no picture in time: {findings.text()}") from outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _fetch(
    order: GrabOrder, guard: AddressGuard, decoder: Decoder, findings: Findings, outcomes: queue.SimpleQueue[Outcome]
) -> None:
    try:
        with open_source(order, guard, findings) as feed:
            arguments = (feed, decoder, outcomes)
            threading.Thread(target=_answer, args=arguments, name="answer", daemon=True).start()
            decoder.feed(feed, order.width, findings)
            threading.Event().wait(Deadline(order.deadline).left)  # the source stays open; the process ends before
    except (StreamkeepError, NoDecoder) as error:
        outcomes.put(error)
    except Exception as error:  # noqa: BLE001 - the end of a thread: nobody else would hear of it
        outcomes.put(NoDecoder(f"unforeseen: {type(error).__name__}"))


def _answer(feed: Feed, decoder: Decoder, outcomes: queue.SimpleQueue[Outcome]) -> None:
    try:
        picture = decoder.picture(feed)
    except (StreamkeepError, NoDecoder) as error:
        outcomes.put(error)
    except Exception as error:  # noqa: BLE001 - as above
        outcomes.put(NoDecoder(f"unforeseen: {type(error).__name__}"))
    else:
        outcomes.put(_placed(picture, feed))


def _placed(picture: Picture, feed: Feed) -> Grabbed:
    if isinstance(feed, File):
        return Grabbed(picture, picture.offset, None)
    position = None if feed.start is None else feed.start + picture.offset
    return Grabbed(picture, position, None if feed.at is None else _utc(feed.at) + timedelta(seconds=picture.offset))


def _utc(moment: datetime) -> datetime:
    """Give a playlist's time; one that names no zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
