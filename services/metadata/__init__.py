"""The metadata service: channels, sessions, what was kept of them, and the links to it."""
