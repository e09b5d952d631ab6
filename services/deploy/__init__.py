"""Brings streamkeep to AWS: its images, its stacks."""
