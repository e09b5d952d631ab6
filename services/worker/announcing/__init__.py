"""Events: what happens to a session is noted in the spool at once, and brought into the outbox as state allows."""
