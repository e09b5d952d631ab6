"""Fetches a channel's source and publishes it to the gateway, so that it is captured as any publisher's stream is."""
