"""Pictures and the media clock: a child process of its own, and the worker's side of it."""
