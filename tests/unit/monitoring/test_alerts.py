"""The alerts: what they ask for is exported, each has a page and a case for promtool, and the chart has the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rollmodel.api.modeldeployment.status import HistoryEntry
from rollmodel.runtime.metrics.operator import Instruments

from charts.__main__ import CHART, REPOSITORY
from tests.support.reference.exported_metrics import SCRAPED, exported, labels_named, selectors
from tests.support.yaml_text import from_yaml

MONITORING = REPOSITORY / "config" / "monitoring"
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
PAGES = {path.stem for path in RUNBOOKS.glob("Rollmodel*.md")}
#: What alerts ask of kube-state-metrics (docs/metrics/policy/resourcequota-metrics.md there).
OF_KUBERNETES = {"kube_resourcequota": {"resource": set(), "resourcequota": set(), "type": {"hard", "used"}}}
EXPORTED = {**exported(), **OF_KUBERNETES}
HEADINGS = ["What it means", "What users feel", "First three commands", "How it ends"]


def rules(file: Any) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in file["groups"] for rule in group["rules"]}


ALERTS = rules(from_yaml((MONITORING / "rules.yaml").read_text()))
every_alert = pytest.mark.parametrize("name", ALERTS)


@every_alert
def test_every_metric_label_and_value_is_exported(name: str) -> None:
    expression = ALERTS[name]["expr"]
    asked = list(selectors(expression))
    assert asked
    known_labels = set(SCRAPED)
    for metric, matchers in asked:
        if metric == "up":
            continue
        assert metric in EXPORTED, f"{metric} is not exported"
        known_labels |= set(EXPORTED[metric])
        for label, how, value in matchers:
            assert label in EXPORTED[metric], f"{metric} has no label {label}"
            if label != "reason":  # any neighbour's word
                known = EXPORTED[metric][label]
                wanted = value.split("|") if "~" in how else [value]
                assert set(wanted) <= known, f"{metric}: {label} is one of {sorted(known)}"
    assert labels_named(expression) <= known_labels


def test_the_check_of_metrics_can_fail() -> None:
    assert list(selectors('sum by (a) (rollmodel_nothing{b="c"}) > up')) == [
        ("rollmodel_nothing", [("b", "=", "c")]),
        ("up", []),
    ]
    assert labels_named("sum by (a, b) (x) / on (c) y") == {"a", "b", "c"}
    assert "rollmodel_nothing" not in EXPORTED
    assert set(EXPORTED["rollmodel_reconcile_total"]) == {"kind", "result"}


def test_verdicts_are_those_of_the_history() -> None:
    words = HistoryEntry.model_json_schema()["properties"]["verdict"]["enum"]
    assert EXPORTED["rollmodel_verdicts_total"]["verdict"] == set(words)


def test_the_conditions_that_alerts_ask_for_are_exported_though_false() -> None:
    instruments = Instruments()
    body = {"kind": "ModelDeployment", "metadata": {"namespace": "a", "name": "b"}, "status": {}}
    instruments.on_pass("uid", body, body)
    for kind in ("Stalled", "Paused"):
        value = instruments.registry.get_sample_value(
            "rollmodel_condition", {"namespace": "a", "name": "b", "type": kind}
        )
        assert value == 0


@every_alert
def test_it_says_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    assert name.startswith("Rollmodel")
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert (REPOSITORY / rule["annotations"]["runbook_url"]).exists()


@every_alert
def test_its_page_says_what_it_is_what_to_do_and_how_it_ends(name: str) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text()
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS
    assert f"Severity: {ALERTS[name]['labels']['severity']}." in page
    (commands,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    assert len(commands.splitlines()) == 3
    assert all(re.match(r"(kubectl|rollmodel|helm) ", line) for line in commands.splitlines())
    assert f"[{name}]({name}.md) | {ALERTS[name]['labels']['severity']} |" in (RUNBOOKS / "README.md").read_text()


def test_no_page_is_about_an_alert_that_is_gone() -> None:
    assert set(ALERTS) == PAGES


@every_alert
def test_promtool_sees_it_raised_and_not_raised(name: str) -> None:
    cases = from_yaml((MONITORING / "rules-test.yaml").read_text())["tests"]
    asked = [one for case in cases for one in case["alert_rule_test"] if one["alertname"] == name]
    assert {bool(one["exp_alerts"]) for one in asked} == {True, False}


def test_the_chart_has_the_same_alerts() -> None:
    theirs = from_yaml((MONITORING / "prometheusrule.yaml").read_text())
    assert theirs["kind"] == "PrometheusRule"
    wanted = {**ALERTS, "RollmodelOperatorDown": dict(ALERTS["RollmodelOperatorDown"])}
    job = "rollmodel-system/rollmodel|rollmodel-metrics"
    wanted["RollmodelOperatorDown"]["expr"] = wanted["RollmodelOperatorDown"]["expr"].replace(".*rollmodel.*", job)
    assert rules(theirs["spec"]) == wanted
    assert "__" not in str(wanted)
    assert (CHART / "files" / "alerts.yaml").read_text().count("- alert: ") == len(ALERTS)
