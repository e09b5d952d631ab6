"""A viewer that looks at everything it can see of a channel, all the time, and notes what no viewer may see."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from tests.verifier.playlists import Listed, Playlist, parse

PERIOD_SECONDS = 0.1
READS_HEAD_EVERY = 8
"""How many looks at live.m3u8 there are for one at head.json, and half as many at vod.m3u8."""

Look = Callable[[str], bytes | None]
"""Gives an object of the store by its key, past all faults; None if it is not there."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What was seen that may never be: when (epoch s), its name, and where."""

    at: float
    name: str
    what: str

    def __str__(self) -> str:
        return f"{time.strftime('%H:%M:%S', time.gmtime(self.at))} {self.name}: {self.what}"


@dataclass(slots=True)
class Watcher:
    """Polls a channel's playlists through the API's links, and its manifest in the store, until closed.

    It looks every `period` seconds. `unavailable` counts answers that are no statement about an object (5xx, no
    connection); `edges` are when a look was taken (epoch s) and how old the end of the last segment was then (s).
    """

    api: httpx.Client
    channel_id: str
    look: Look
    period: float = PERIOD_SECONDS
    violations: list[Violation] = field(default_factory=list)
    looks: int = 0
    versions: int = 0
    unavailable: int = 0
    edges: list[tuple[float, float]] = field(default_factory=list)
    _seen: dict[int, Listed] = field(default_factory=dict)
    _last: dict[str, Playlist] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _listed: set[str] = field(default_factory=set)
    _links: dict[str, str] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(30)
        self.api.close()

    @property
    def names(self) -> set[str]:
        return {violation.name for violation in self.violations}

    def segments(self) -> list[Listed]:
        """Give all segments that stood in live.m3u8 at a look, in their order."""
        return [segment for _, segment in sorted(self._seen.copy().items())]

    @property
    def newest_part(self) -> int:
        """Give the greatest discontinuity sequence that was seen, -1 before there is any."""
        return max((listed.discontinuity_sequence for listed in list(self._seen.values())), default=-1)

    def worst_edge(self, since: float = 0.0, until: float = float("inf")) -> float:
        """Give how old the live edge was at most (s) between two moments (epoch s)."""
        return max((age for at, age in self.edges if since <= at <= until), default=0.0)

    def _watch(self) -> None:
        turn = 0
        while not self._over.wait(self.period):
            turn += 1
            try:
                if "hls" not in self._links or turn % 300 == 0:
                    self._ask_for_links()
                self._see_playlist("hls")
                if turn % READS_HEAD_EVERY == 0:
                    self._see_head()
                if turn % (2 * READS_HEAD_EVERY) == 0:
                    self._see_playlist("vod")
            except httpx.HTTPError:
                self.unavailable += 1
            except Exception as error:  # noqa: BLE001 - what cannot be read is as wrong as what is read wrongly
                self._note("unreadable", repr(error)[:300])

    def _ask_for_links(self) -> None:
        answer = self.api.get(f"/channels/{self.channel_id}")
        if answer.status_code == 200:
            self._links = {name: url for name, url in answer.json()["playback"].items() if str(url).startswith("http")}

    def _note(self, name: str, what: str) -> None:
        self.violations.append(Violation(time.time(), name, what))

    def _see_playlist(self, name: str) -> None:
        link = self._links.get(name)
        if link is None:
            return
        answer = self.api.get(link, headers={"Authorization": ""}, follow_redirects=True)
        self.looks += 1
        if answer.status_code >= 500:
            self.unavailable += 1
            return
        if answer.status_code != 200:
            if name in self._last and name != "vod":
                self._note("playlist_gone", f"{name}: {answer.status_code}")
            return
        if answer.text != self._texts.get(name):
            self._texts[name] = answer.text
            self.versions += 1
            self._judge(name, link, parse(answer.text))
        segments = self._last[name].segments
        if name == "hls" and segments and segments[-1].at is not None and not self._last[name].is_ended:
            self.edges.append((time.time(), time.time() - segments[-1].at - segments[-1].seconds))

    def _judge(self, name: str, link: str, found: Playlist) -> None:
        """Judge a version that was not there at the look before."""
        for fault in found.faults:
            self._note("playlist_illegal", f"{name}: {fault}")
        before = self._last.get(name)
        if before is not None and name == "hls":
            self._compare(before, found)
        self._last[name] = found
        for segment in found.segments:
            old = self._seen.get(segment.media_sequence)
            if name == "hls" and old != segment:
                if old is not None:
                    self._note("segment_changed", f"{name}: {old} became {segment}")
                self._seen[segment.media_sequence] = segment
                self._fetch(urljoin(link, segment.uri))

    def _compare(self, before: Playlist, after: Playlist) -> None:
        if after.media_sequence < before.media_sequence:
            self._note("media_sequence_back", f"{before.media_sequence} became {after.media_sequence}")
        if after.discontinuity_sequence < before.discontinuity_sequence:
            numbers = f"{before.discontinuity_sequence} became {after.discontinuity_sequence}"
            self._note("discontinuity_sequence_back", numbers)
        is_next = before.is_ended and bool(after.segments) and after.segments[-1:] != before.segments[-1:]
        if before.target != after.target and not is_next:
            self._note("target_changed", f"{before.target} became {after.target}")
        if before.is_ended and not after.is_ended and not is_next:
            self._note("reopened", "EXT-X-ENDLIST is gone and no segment is new")
        ends = [playlist.segments[-1].media_sequence for playlist in (before, after) if playlist.segments]
        if len(ends) == 2 and ends[1] < ends[0]:
            self._note("edge_back", f"the last media sequence was {ends[0]} and is {ends[1]}")

    def _fetch(self, link: str) -> None:
        answer = self.api.head(link, headers={"Authorization": ""}, follow_redirects=True)
        if answer.status_code >= 500:
            self.unavailable += 1
        elif answer.status_code not in (200, 206):
            self._note("segment_missing", f"{link.rpartition('/')[2]}: {answer.status_code}")

    def _see_head(self) -> None:
        """Look whether what the manifest newly lists is there."""
        answer = self.api.get(f"/channels/{self.channel_id}/sessions", params={"limit": 1})
        items = answer.json()["items"] if answer.status_code == 200 else []
        if not items:
            return
        prefix = f"sessions/{self.channel_id}/{items[0]['id']}"
        body = self.look(f"{prefix}/head.json")
        if body is None:
            if prefix in self._listed:
                self._note("head_gone", prefix)
            return
        self._listed.add(prefix)
        self._see_entries(json.loads(body))

    def _see_entries(self, head: dict[str, Any]) -> None:
        new = [entry["key"] for entry in head["tail"]] + [chunk["key"] for chunk in head["chunks"]]
        for key in new:
            if key not in self._listed:
                self._listed.add(key)
                if self.look(key) is None:
                    self._note("listed_missing", key)
