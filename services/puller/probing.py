"""How much of a stream the program that reads it looks at before it begins, and what it takes it for."""

from __future__ import annotations

PROBE = {"fpsprobesize": "0", "analyzeduration": "1000000"}
"""Long enough to find the sound; the default costs seconds."""
FED = PROBE | {"protocol_whitelist": "pipe", "format_whitelist": "mpegts,mov,flv,matroska,h264,aac,mp3,ac3,eac3,nut"}
"""Of what is fed, only containers: a list of other places (SDP, concat, a playlist) would have them opened."""
