"""The costs that docs/aws.md and a deploy name: of what the templates really make, at prices with a source."""

from __future__ import annotations

import pytest

from services.deploy import footprint, idle_month, measured, prices
from services.deploy.channel_hour import (
    BOUND,
    CHOICES,
    SHARING,
    Choice,
    fewest_sharing,
    lines,
    nat_break_even,
    older,
    total,
)
from services.deploy.costs import text
from services.deploy.quotas import Quotas, bounds
from services.domain.channel import HLS_TIME, IMAGE_TIME, VIDEO_TIME
from tests.aws.priced import PAGE, on_the_page
from tests.aws.templates import template

FAMILIES = {
    "keep-gateway": "gateway",
    "keep-metadata": "API",
    "keep-dispatcher": "dispatcher",
    "keep-reconciler": "reconciler",
}
DEFAULTS = footprint.DEFAULTS


def test_the_page_holds_what_the_program_prints() -> None:
    assert on_the_page(PAGE.read_text()).strip() == text().strip(), "python -m tests.aws.priced --write"


def test_the_tasks_that_are_paid_all_the_time_are_those_of_the_templates() -> None:
    made = {}
    for name in ("gateway", "metadata", "reconciler"):
        for each in template(name).of("AWS::ECS::TaskDefinition").values():
            made[FAMILIES[each["Family"]]] = (int(each["Cpu"]) / 1024, int(each["Memory"]) / 1024)

    counted = {each.name: (each.vcpu, each.gigabytes) for each in footprint.standing(DEFAULTS)}
    assert made == {name: size for name, size in counted.items() if name != "idle workers"}


def test_the_parameters_that_figures_come_from_have_the_templates_defaults_and_sizes() -> None:
    body = template("main").body

    assert {name: str(body["Parameters"][name]["Default"]) for name in DEFAULTS} == dict(DEFAULTS)
    sizes = {
        name: (int(each["Cpu"]) / 1024, int(each["Memory"]) / 1024) for name, each in body["Mappings"]["Sizes"].items()
    }
    assert sizes == dict(footprint.WORKER_SIZES)


def test_what_was_measured_is_what_the_default_settings_ask_for() -> None:
    puts = measured.puts_per_minute()

    assert puts["HLS segments"] == pytest.approx(60 / HLS_TIME.default, rel=0.05)
    assert puts["snapshots"] == pytest.approx(60 / IMAGE_TIME.default, rel=0.05)
    assert puts["recordings"] == pytest.approx(60 / VIDEO_TIME.default, rel=0.05)


def test_longer_segments_take_fewer_puts_of_segments_and_playlists_alone() -> None:
    usual, longer = measured.puts_per_minute(), measured.puts_per_minute(HLS_TIME.default * 3)

    fewer = {kind for kind in usual if longer[kind] < usual[kind]}
    assert fewer == set(measured.WITH_EACH_SEGMENT)
    assert longer["HLS segments"] == usual["HLS segments"] / 3


def test_every_line_of_a_channel_hour_is_there() -> None:
    named = " ".join(line.what for line in lines(Choice()))

    for wanted in (
        "task",
        "PUTs",
        "load balancer",
        "cross-zone",
        "public address",
        "gateway's share",
        "DynamoDB",
        "logs",
    ):
        assert wanted in named


def test_private_subnets_pay_their_share_of_nat_and_keep_to_the_mark_from_so_many_channels_on() -> None:
    choice = next(each for each in CHOICES if not each.has_address and total(each) <= BOUND)
    (nat,) = [line.dollars for line in lines(choice) if line.what == "NAT"]

    def shared_by(channels: int) -> float:
        return total(choice) - nat + nat * SHARING / channels

    assert nat * SHARING == pytest.approx(2 * (0.045 + 0.005))
    assert shared_by(fewest_sharing(choice)) <= BOUND < shared_by(fewest_sharing(choice) - 1)


def test_the_page_says_of_each_choice_whether_it_meets_the_mark() -> None:
    said = text()

    for choice in CHOICES:
        verdict = "meets it" if total(choice) <= BOUND else f"misses it by {total(choice) - BOUND:.4f}"
        assert f"| {choice.name} | {total(choice):.4f} | {verdict}" in said
    assert any(total(choice) <= BOUND for choice in CHOICES)
    assert total(Choice()) < older()


def test_nat_is_cheaper_from_ten_tasks_for_each_gateway_on() -> None:
    assert nat_break_even() == pytest.approx(10 * idle_month.HOURS)


def test_private_subnets_pay_for_gateways_and_not_for_the_tasks_addresses() -> None:
    def addresses(nat: str) -> str:
        return next(line.how for line in idle_month.lines({**DEFAULTS, "Nat": nat}) if line.what == "public addresses")

    assert (addresses("no"), addresses("yes")) == ("9 of them", "4 of them")


def test_every_price_has_a_source_and_a_date_or_says_that_it_has_none() -> None:
    for price in prices.ALL:
        assert price.source.startswith("aws.amazon.com/")
        assert price.as_of[:4].isdigit() or price.as_of.startswith(("no date on it; read 20", "unchanged for years"))


@pytest.mark.parametrize(
    ("quotas", "parameters", "channels"),
    [
        (Quotas(on_demand=6, spot=None, interfaces=5000, interfaces_used=0), {}, [12, 4989]),
        (Quotas(on_demand=3, spot=None, interfaces=5000, interfaces_used=0), {}, [0, 4989]),
        (Quotas(on_demand=1000, spot=None, interfaces=5000, interfaces_used=4900), {}, [3988, 89]),
        (Quotas(on_demand=6, spot=6, interfaces=5000, interfaces_used=0), {"Spot": "yes"}, [48, 32, 4989]),
        (Quotas(on_demand=6, spot=None, interfaces=5000, interfaces_used=0), {"PoolSize": "3"}, [8, 4985]),
        (Quotas(on_demand=None, spot=None, interfaces=None, interfaces_used=None), {}, [None, None]),
    ],
)
def test_quotas_leave_room_for_so_many_channels(
    quotas: Quotas, parameters: dict[str, str], channels: list[int | None]
) -> None:
    assert [bound.channels for bound in bounds(quotas, {**DEFAULTS, **parameters})] == channels
