"""Every error of ours, grouped by what the caller can do about it.

StreamkeepError
    InvalidInput        mend the named field and ask again
    NotFound            ChannelNotFound, SessionNotFound, ObjectNotFound, PictureNotFound, LetterNotFound
    Conflict            read again, then decide again
        VersionConflict, AlreadyExists, ObjectExists, ObjectChanged, LeaseHeld, LeaseLost, SequenceTaken
    PublishRefused      tell the publisher why
    Unavailable         wait and try again; of a write it is not known whether it happened: read first
        StateUnavailable, StateFull, StoreUnavailable, StoreBusy, StoreFull, LaunchFailed, GatewayUnavailable,
        SinkUnavailable, PlatformUnavailable, OrderSpent
    SinkRefused         give this event up: it will not be taken
"""

from __future__ import annotations


class StreamkeepError(Exception):
    """The root of the tree; its docstring is the message when none is given."""

    def __init__(self, message: str | None = None) -> None:
        """Say `message`, or what the class says."""
        super().__init__(message or self.__class__.__doc__ or self.__class__.__name__)


class InvalidInput(StreamkeepError):
    """A value from outside cannot be used."""

    def __init__(self, field: str, problem: str) -> None:
        """`field` as the caller spelled it; `problem` says what is accepted instead."""
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotFound(StreamkeepError):
    """The thing that was named does not exist."""


class ChannelNotFound(NotFound):
    """No channel has this id."""


class SessionNotFound(NotFound):
    """No session has this id."""


class ObjectNotFound(NotFound):
    """No object has this key."""


class PictureNotFound(NotFound):
    """The channel has no picture yet; its first comes with its first broadcast, where it is to take snapshots."""


class LetterNotFound(NotFound):
    """No dead letter has this id."""


class Conflict(StreamkeepError):
    """Somebody else changed it first."""


class VersionConflict(Conflict):
    """The record changed since it was read."""


class AlreadyExists(Conflict):
    """A record with this id exists."""


class ObjectExists(Conflict):
    """An object with this key exists and media objects are written once."""


class ObjectChanged(Conflict):
    """The object changed since it was read."""


class LeaseHeld(Conflict):
    """Another worker holds the lease of this session."""


class LeaseLost(Conflict):
    """A newer epoch of the lease was recorded: this worker must stop writing."""


class SequenceTaken(Conflict):
    """Another event has this number in its stream: read the newest, and number anew."""


class PublishRefused(StreamkeepError):
    """The publisher may not go on air."""

    def __init__(self, code: str, detail: str) -> None:
        """`code` is one of the documented reasons; `detail` is one sentence for people."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Unavailable(StreamkeepError):
    """Something outside does not answer."""


class StateUnavailable(Unavailable):
    """The state store does not answer."""


class StateFull(StateUnavailable):
    """The state store's disk is full: make room on it."""


class StoreUnavailable(Unavailable):
    """The object store does not answer."""


class StoreBusy(Unavailable):
    """The object store answers, and asks to be asked less often."""


class StoreFull(Unavailable):
    """The object store has no room left: make room on its disk, or ask for less in STREAMKEEP_MIN_FREE_BYTES."""


class LaunchFailed(Unavailable):
    """No worker could be started."""


class OrderSpent(LaunchFailed):
    """An order of that name was given before, and what was started by it is over."""


class GatewayUnavailable(Unavailable):
    """The RTMP gateway does not answer."""


class PlatformUnavailable(Unavailable):
    """The platform that runs this service does not answer."""


class SinkUnavailable(Unavailable):
    """A sink takes no event now."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        """`retry_after` is after how many seconds it wants to be asked again, where it says so."""
        super().__init__(message)
        self.retry_after = retry_after


class SinkRefused(StreamkeepError):
    """A sink will not take this event."""
