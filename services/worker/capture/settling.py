"""What becomes of a part that was cut off: its open files ship whole, or up to where the next part begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.domain import times
from services.domain.artifact import OUTPUTS, Kind
from services.domain.gaps import before_going_on, cut_off
from services.domain.manifest import Gap
from services.worker.delivery.lane import Lane
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.parcel import Waiting, discard
from services.worker.following import Following
from services.worker.succession.ledger import Ledger
from services.worker.succession.loose_end import LooseEnd

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Settling:
    """Holds the loose end of the last part, if it has one, until it is settled."""

    following: Following
    manifest: ManifestKeeper
    ledger: Ledger
    lanes: dict[Kind, Lane]
    loose: LooseEnd | None = None

    def settle(
        self, cause: str, cuts: Mapping[Kind, float] | None = None, begins: Mapping[Kind, float] | None = None
    ) -> None:
        """Ship what is open up to `cuts`, end the part, and declare what is missing until `begins` (both epoch s).

        Without `begins` nobody knows yet where the next part begins.
        """
        loose, self.loose = self.loose, None
        if loose is None:
            return
        for file in loose.files:
            own = loose.own(file, (cuts or {}).get(file.kind))
            # Of what is of the next part nothing counts as this one's.
            self.ledger.closed(loose.number, own or replace(file, end=file.start))
            if own is None:  # it is of the next part
                discard(file)
                self.ledger.dropped(file.path, None, None)
            else:
                self.lanes[file.kind].put(Waiting(own, loose.number, loose.anchor))
        ended_at, gaps = self._ended(loose, cause, begins)
        for gap in gaps:
            self.ledger.declared(gap)
            self.manifest.declare_gap(gap)
        self.ledger.ended(loose.number, ended_at)
        self.manifest.change_part(loose.number, ended_at=ended_at)
        log.info("part_settled", part=loose.number, cut=sorted(cuts or {}), joined=begins is not None)

    def _ended(self, loose: LooseEnd, cause: str, begins: Mapping[Kind, float] | None) -> tuple[datetime, list[Gap]]:
        outputs, began = self.following.plan().outputs(), times.utc(loose.began)
        wanted = {output: began for output in outputs if output != OUTPUTS[Kind.SNAPSHOT]}
        ends = (wanted | loose.saved()) if loose.saved() else {}
        if not ends:
            return began, []
        if begins is None:
            return cut_off(ends, cause)
        return before_going_on(ends, {OUTPUTS[kind]: times.utc(at) for kind, at in begins.items()}, outputs, cause)
