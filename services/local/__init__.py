"""The one-machine stack: starts the other services as child processes and keeps them running."""
