"""Puts what an export holds into a state, beside what is there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from services.admin import transfer_file
from services.admin.entry import Entry, kind_of
from services.admin.transfer_file import Counts
from services.domain.channel import Channel
from services.domain.errors import AlreadyExists, VersionConflict
from services.domain.ports import ChannelStore, SessionStore
from services.domain.session import Air, Session

# A channel comes last: until it is there nobody may publish to it, whatever of the rest is missing. An open session
# comes late, since a stack that ran now would end one whose channel it does not find.
_STEPS: tuple[Callable[[Entry], bool], ...] = (
    lambda entry: isinstance(entry, Session) and not entry.state.is_open,
    lambda entry: isinstance(entry, Air),
    lambda entry: isinstance(entry, Session) and entry.state.is_open,
    lambda entry: isinstance(entry, Channel),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the entries, counted by kind."""

    added: Counts = field(default_factory=Counter)
    there: Counts = field(default_factory=Counter)
    conflicts: Counts = field(default_factory=Counter)


def import_all(file: BinaryIO, channels: ChannelStore, sessions: SessionStore, tell: Callable[[str], None]) -> Tally:
    """Store what is missing and `tell` of each entry that is there with other content, which is left as it is.

    Raise BadFile before anything is stored.
    """
    for _ in transfer_file.read(file):
        pass
    tally = Tally()
    for is_due in _STEPS:
        for entry in filter(is_due, transfer_file.read(file)):
            kind = kind_of(entry)
            if _added(entry, channels, sessions):
                tally.added[kind] += 1
            elif _is_there(entry, channels, sessions):
                tally.there[kind] += 1
            else:
                tally.conflicts[kind] += 1
                tell(f"{kind} {_id(entry)} is there already with other content, and was left as it is")
    return tally


def _id(entry: Entry) -> str:
    return entry.channel_id if isinstance(entry, Air) else entry.id


def _added(entry: Entry, channels: ChannelStore, sessions: SessionStore) -> bool:
    """Store an entry unless its id is taken; a session and what a channel is doing begin anew at version 1."""
    try:
        if isinstance(entry, Channel):
            channels.add(entry)
        elif isinstance(entry, Air):
            sessions.save(air=replace(entry, version=1))
        else:
            sessions.save(session=replace(entry, version=1))
    except (AlreadyExists, VersionConflict):
        return False
    return True


def _is_there(entry: Entry, channels: ChannelStore, sessions: SessionStore) -> bool:
    if isinstance(entry, Channel):
        return channels.get(entry.id) == entry
    if isinstance(entry, Air):
        return replace(sessions.air(entry.channel_id), version=entry.version) == entry
    return replace(sessions.get(entry.id), version=entry.version) == entry
