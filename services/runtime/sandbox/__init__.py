"""What a process gives up before it looks at a stranger's bytes."""
