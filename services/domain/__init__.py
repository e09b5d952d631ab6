"""The pure rules: no I/O, no AWS, no web framework."""
