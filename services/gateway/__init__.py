"""The RTMP gateway's brain: its configuration, and the callback app that decides who goes on air."""
