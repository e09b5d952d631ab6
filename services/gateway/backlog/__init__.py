"""The backlog: the last seconds of each stream, as nginx's recorder writes them, for a worker that missed them."""
