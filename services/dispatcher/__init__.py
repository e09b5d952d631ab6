"""Brings events from the outbox to those who subscribed."""
