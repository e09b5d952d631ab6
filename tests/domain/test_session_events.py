"""Whatever happens to a session, in whatever order, it stays one that can be."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.domain.records import session_from_record, session_record
from services.domain.session import Close, Reason, Session, SessionState
from tests.examples import NOW, a_publisher, a_session

WINDOW = timedelta(seconds=180)
TROUBLE = Reason(code="disk_full", detail="make room", since=NOW)


class SessionEvents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.connections = 0
        self.session = a_session()

    def _become(self, changed: Session) -> None:
        before, self.session = self.session, changed
        assert changed.version == before.version + 1 or changed is before
        assert changed is before or before.state.is_open, "what has ended changes no more"
        assert changed.closing >= before.closing, "a door that was shut opens no more"
        assert before.close is not Close.STOP or changed.close is Close.STOP, "a stop stands"
        assert (changed.id, changed.started_at) == (before.id, before.started_at)

    @rule(seconds=st.integers(0, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(listening=st.booleans())
    def a_publisher_comes(self, listening: bool) -> None:  # noqa: FBT001 - the case
        self.connections += 1
        publisher = a_publisher(str(self.connections), accepted_at=self.now, listening=listening)
        self._become(self.session.with_publisher(publisher))

    @rule()
    def the_worker_listens(self) -> None:
        self._become(self.session.heard())

    @rule()
    def media_arrives(self) -> None:
        self._become(self.session.went_live())

    @rule()
    def the_publisher_leaves(self) -> None:
        absent_since = self.session.absent_since
        self._become(self.session.lost_publisher(self.now))
        assert absent_since is None or self.session.absent_since == absent_since, "a window begins once"

    @rule()
    def something_is_wrong(self) -> None:
        self._become(self.session.troubled(TROUBLE))

    @rule(close=st.sampled_from(Close))
    def it_is_asked_to_close(self, close: Close) -> None:
        self._become(self.session.asked_to_close(close))

    @rule()
    def the_door_is_shut_when_it_is_due(self) -> None:
        if self.session.is_due_to_end(self.now, WINDOW):
            self._become(self.session.began_closing())

    @precondition(lambda self: self.session.closing)
    @rule(fails=st.booleans())
    def it_is_finalised(self, fails: bool) -> None:  # noqa: FBT001 - the case
        self._become(self.session.failed(self.now, TROUBLE) if fails else self.session.ended(self.now))

    @invariant()
    def what_is_over_has_an_end_and_what_is_open_has_none(self) -> None:
        assert (self.session.ended_at is None) == self.session.state.is_open

    @invariant()
    def whoever_is_awaited_is_not_connected(self) -> None:
        assert self.session.publisher is None or self.session.absent_since is None

    @invariant()
    def only_who_publishes_is_live(self) -> None:
        if self.session.state is SessionState.LIVE:
            assert self.session.publisher is not None
            assert self.session.state_reason is None

    @invariant()
    def an_interruption_says_why(self) -> None:
        assert self.session.state is not SessionState.INTERRUPTED or self.session.state_reason is not None

    @invariant()
    def no_session_ends_under_its_publisher_unless_it_is_stopped(self) -> None:
        session = self.session
        if session.publisher is not None and session.is_due_to_end(self.now, WINDOW):
            assert session.close is Close.STOP or session.closing

    @invariant()
    def its_record_is_all_of_it(self) -> None:
        assert session_from_record(session_record(self.session)) == self.session


TestSessionEvents = SessionEvents.TestCase
