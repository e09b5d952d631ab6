"""Prints what streamkeep costs on AWS's list prices: `python -m services.deploy.costs`; docs/aws.md holds the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.deploy import channel_hour, footprint, idle_month, measured, prices
from services.deploy.channel_hour import BOUND, CHOICES, Choice
from services.deploy.idle_month import Line
from services.deploy.telling import say


def text() -> str:
    """Give all of it as Markdown."""
    return "\n".join([*_hour(), "", *_choices(), "", *_month(), "", *_nat(), "", *_sources()])


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _row(line: Line, digits: int) -> Sequence[str]:
    return line.what, f"{line.dollars:.{digits}f}", line.how


def _hour() -> Iterator[str]:
    choice = CHOICES[0]
    total, older = channel_hour.total(choice), channel_hour.older()
    yield (
        f"### One channel for one hour\n\n1080p at {measured.MEGABITS:g} Mb/s with its sound, a channel's default "
        "settings (pictures each 10 s, MP4 of 60 s, HLS segments of 2 s), a deploy's default parameters, dollars:\n"
    )
    yield from _table(("line", "$ an hour", "of"), (_row(line, 5) for line in channel_hour.lines(choice)))
    yield f"| **together, without storage** | **{total:.4f}** | |"
    size = f"{channel_hour.OLDER_VCPU:g} vCPU and {channel_hour.OLDER_GIGABYTES:g} GB"
    yield f"| the older system's task alone | {older:.4f} | {size} |"
    yield "\nBeside that, by what is kept and who watches:\n"
    yield from _table(("line", "$", "of"), (_row(line, 4) for line in channel_hour.beside()))


def _choices() -> Iterator[str]:
    yield f"### What choices make of it\n\nThe mark is ${BOUND} an hour without storage.\n"

    def row(choice: Choice) -> Sequence[str]:
        total = channel_hour.total(choice)
        verdict = "meets it" if total <= BOUND else f"misses it by {total - BOUND:.4f}"
        if total <= BOUND and not choice.has_address:
            verdict += f", from {channel_hour.fewest_sharing(choice)} channels on air on average"
        return choice.name, f"{total:.4f}", verdict

    yield from _table(("choice", "$ an hour", "the mark"), map(row, CHOICES))


def _month() -> Iterator[str]:
    yield f"### A month in which nobody publishes\n\nA stack with its default parameters, {idle_month.HOURS} hours:\n"
    lines = idle_month.lines(footprint.DEFAULTS)
    yield from _table(("line", "$ a month", "of"), (_row(line, 2) for line in lines))
    yield f"| **together** | **{idle_month.total(footprint.DEFAULTS):.2f}** | |"


def _nat() -> Iterator[str]:
    hours = channel_hour.nat_break_even()
    address, gateway = prices.PUBLIC_ADDRESS.dollars, prices.NAT_HOUR.dollars
    yield (
        f"### Public addresses or NAT\n\nA task pays ${address} an hour for a public address; a NAT gateway and its "
        f"address cost ${gateway + address:.3f} an hour. Media and state go past NAT, through the gateway endpoints of "
        f"S3 and DynamoDB. So one NAT gateway is cheaper from {hours:,.0f} task-hours a month on, which is "
        f"{hours / 730:.0f} tasks that run all the time; `Nat=yes` makes one in each of two zones, which doubles that."
    )


def _sources() -> Iterator[str]:
    yield "### Prices\n\nus-east-1, dollars, before tax.\n"
    rows = ((f"{price.dollars:.10f}".rstrip("0"), price.unit, price.source, price.as_of) for price in prices.ALL)
    yield from _table(("$", "for a", "source", "as of"), rows)


if __name__ == "__main__":
    say(text())
