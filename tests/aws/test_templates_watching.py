"""Alarms: each says what to do, and none counts by channel or session."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from services.reconciler.counts import Counts
from services.runtime.emf import Emf
from tests.aws.templates import ROOT, every_resource, leaves, template

ALARMS: dict[str, dict[str, Any]] = dict(every_resource("AWS::CloudWatch::Alarm"))
ASKED_FOR = {
    "observability/NoSnapshot", "observability/OrphanTask", "observability/LaunchFailure",
    "observability/SpoolGrowing", "observability/ApiErrors", "observability/SlowCallback", "observability/NoWorker",
}  # fmt: skip


def _anchors() -> set[str]:
    """Give the anchors of docs/aws.md's headings, spelled as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/aws.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_there_is_an_alarm_for_each_thing_that_was_asked_for() -> None:
    assert set(ALARMS) >= ASKED_FOR
    assert len(dict(every_resource("AWS::Budgets::Budget"))) == 1


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_is_wrong_and_leads_to_what_to_do(name: str) -> None:
    description = ALARMS[name]["AlarmDescription"]

    match = re.fullmatch(r"[A-Z].+\. Runbook: docs/aws\.md#([a-z0-9-]+)", description)
    assert match is not None
    assert match[1] in _anchors()


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_and_says_what_silence_means(name: str) -> None:
    assert ALARMS[name]["AlarmActions"]
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"]
    assert ALARMS[name]["TreatMissingData"] in ("breaching", "notBreaching")


def test_a_channel_that_has_no_worker_for_three_minutes_raises_an_alarm_and_starts_of_others_do_not() -> None:
    alarm = ALARMS["observability/NoWorker"]

    told = io.StringIO()
    Emf(stack="keep", registries=[Counts().registry], stream=told).write()
    assert json.loads(told.getvalue())[alarm["MetricName"]] == 0, "the reconciler tells of it"
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Minimum", 60, 3)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


def test_the_budgets_anchor_is_there_too() -> None:
    assert "budget" in _anchors()


def test_our_own_metrics_have_the_stack_as_their_one_dimension() -> None:
    own = [each for each in ALARMS.values() if each.get("Namespace") == "streamkeep"]

    assert len(own) >= 6
    for alarm in own:
        assert alarm["Dimensions"] == [{"Name": "Stack", "Value": "keep"}]


def test_the_dashboard_is_json_and_shows_each_metric_that_an_alarm_of_ours_watches() -> None:
    body = template("observability").of("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    shown = {str(each) for each in leaves(json.loads(body)["widgets"])}

    watched = {each["MetricName"] for each in ALARMS.values() if each.get("Namespace") == "streamkeep"}
    assert watched - shown <= {"SafetyStops", "Sweeps"}, "these say nothing over time"
