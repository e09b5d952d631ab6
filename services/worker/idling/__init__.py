"""A worker that waits for a session in the warm pool."""
