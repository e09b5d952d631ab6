from __future__ import annotations

from services.gateway.memory import Memory
from tests.examples import a_session


def test_the_sessions_met_last_are_remembered() -> None:
    memory = Memory(sessions_max=2)
    first, second, third = (a_session(name) for name in ("first", "second", "third"))
    memory.keep_all((first, second))
    memory.keep(first)
    memory.keep(third)

    assert [memory.get(name) for name in ("first", "second", "third")] == [first, None, third]


def test_a_session_is_remembered_as_it_was_last() -> None:
    memory = Memory()
    ended = a_session().ended(a_session().started_at)
    memory.keep(a_session())

    assert memory.keep(ended) == ended
    assert memory.get(ended.id) == ended
