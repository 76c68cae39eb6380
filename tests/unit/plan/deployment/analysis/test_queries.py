"""What is asked, and when: nothing at rest, history once, then each window once on the aligned grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jinja2 import Template
from rollmodel.api.modeldeployment import Metric, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.analysis.signals import promql
from rollmodel.plan.deployment.observed import Defaults

from tests.support.simulation.rollouts import Cluster, model

Serving = Callable[..., Cluster]

WORDS = scope("prod", "churn", stable="bbbbbbbb", candidate="cccccccc", interval_seconds=10)
SELECTOR = 'namespace="prod",rollmodel_dev_model_deployment="churn",rollmodel_dev_revision=~"bbbbbbbb|cccccccc"'


def query(runtime: dict[str, Any] | None = None, **metric: Any) -> str:
    return promql(Metric.model_validate({"name": "m", **metric}), Runtime.model_validate(runtime or {}), WORDS)


def roles(bad: str, total: str) -> str:
    return f'label_replace({bad}, "role", "bad", "", "") or label_replace({total}, "role", "total", "", "")'


def summed(series: str, by: str = "pod, rollmodel_dev_revision") -> str:
    return f"sum by ({by}) ({series})"


PRESETS = [
    (
        {},
        "Errors",
        roles(
            summed(f'rollmodel_server_requests_total{{{SELECTOR},code=~"5.."}}'),
            summed(f"rollmodel_server_requests_total{{{SELECTOR}}}"),
        ),
    ),
    (
        {},
        "ClientErrors",
        roles(
            summed(f'rollmodel_server_requests_total{{{SELECTOR},code=~"4.."}}'),
            summed(f"rollmodel_server_requests_total{{{SELECTOR}}}"),
        ),
    ),
    (
        {},
        "Latency",
        summed(f"rollmodel_server_request_duration_seconds_bucket{{{SELECTOR}}}", by="pod, rollmodel_dev_revision, le"),
    ),
    (
        {"preset": "Triton"},
        "Errors",
        roles(
            summed(f"nv_inference_request_failure{{{SELECTOR}}}"),
            summed(f'{{{SELECTOR},__name__=~"nv_inference_request_(success|failure)"}}'),
        ),
    ),
    (
        {"preset": "VLLM"},
        "Latency",
        summed(
            f"vllm:inter_token_latency_seconds_bucket{{{SELECTOR}}}"
            f" or vllm:time_per_output_token_seconds_bucket{{{SELECTOR}}}",
            by="pod, rollmodel_dev_revision, le",
        ),
    ),
    (
        {"preset": "MLServer"},
        "Errors",
        roles(
            summed(f'rest_server_requests_total{{{SELECTOR},method="POST",status_code=~"5.."}}'),
            summed(f'rest_server_requests_total{{{SELECTOR},method="POST"}}'),
        ),
    ),
]


@pytest.mark.parametrize(("runtime", "preset", "text"), PRESETS)
def test_presets_become_one_query_for_both_arms(runtime: dict[str, Any], preset: str, text: str) -> None:
    assert query(runtime, preset=preset) == text


def test_slow_requests_are_those_above_an_edge_that_must_exist() -> None:
    text = query(preset="SlowRequests", slowerThanSeconds="1")
    bucket = "rollmodel_server_request_duration_seconds_bucket"
    every = summed(f'{bucket}{{{SELECTOR},le="+Inf"}}')
    fast = summed(f'{bucket}{{{SELECTOR},le=~"1|1\\\\.0"}}')
    assert text == roles(f"{every} - {fast}", f"{every} and {fast}")


@pytest.mark.parametrize(
    ("runtime", "preset"),
    [({"preset": "KServe"}, "Errors"), ({"preset": "Triton"}, "Latency"), ({"preset": "Custom"}, "Errors")],
)
def test_what_a_server_does_not_measure_is_said(runtime: dict[str, Any], preset: str) -> None:
    with pytest.raises(Invalid) as error:
        query(runtime, preset=preset)
    assert error.value.reason == "CannotMeasure"
    assert "use `counts`" in str(error.value)


def test_user_queries_may_use_the_known_names() -> None:
    counts = {
        "bad": "bad{ {{ selector }} }[{{ window }}]",
        "total": "{{namespace}} {{ name }} {{stable}} {{candidate}}",
    }
    assert query(counts=counts) == roles(f"bad{{ {SELECTOR} }}[10s]", "prod churn bbbbbbbb cccccccc")
    assert query(value={"query": "up", "max": "1"}) == "up"


@pytest.mark.parametrize("template", ["a\n", "a {{- name -}} b", "a {# no #} b", "{{name}}{{ name }}", "{ {} }"])
def test_user_queries_are_written_as_jinja_would(template: str) -> None:
    assert query(value={"query": template, "max": "1"}) == Template(template).render(name="churn")


def test_a_mean_is_one_query_for_sum_and_count() -> None:
    text = query(mean={"sum": "cost_sum{ {{ selector }} }", "count": "cost_count", "better": "Lower"})
    cost = f'label_replace(cost_sum{{ {SELECTOR} }}, "role", "sum", "", "")'
    assert text == f'{cost} or label_replace(cost_count, "role", "count", "", "")'


@pytest.mark.parametrize(
    "template",
    [
        "{{ nonsense }}",
        "{{ name.__class__ }}",
        "{{ name|upper }}",
        "{{ name * 1000000 }}",
        "{{ ''.join(name) }}",
        "{% for x in range(100000) %}x{% endfor %}",
        "{% set name = 'x' %}",
        "{% include 'x' %}",
        "{{ name",
    ],
)
def test_user_queries_may_use_nothing_else(template: str) -> None:
    with pytest.raises(Invalid) as error:
        query(value={"query": template, "max": "1"})
    assert error.value.reason == "InvalidQuery"


def test_a_query_that_cannot_be_made_freezes_and_needs_a_person(serving: Serving) -> None:
    metric = {"name": "refusals", "counts": {"bad": "{{ oops }}", "total": "b"}}
    cluster = serving(analysis={"metrics": [metric, {"name": "errors", "preset": "Errors"}]})
    cluster.try_version()
    cluster.run(600)
    assert not cluster.served.get(cluster.revision_of("2"))
    assert cluster.condition("MetricsAvailable")["reason"] == "InvalidQuery"
    assert cluster.condition("Stalled")["reason"] == "InvalidQuery"
    assert "'oops' is not one of" in cluster.condition("Stalled")["message"]


def test_nothing_is_asked_at_rest_nor_while_a_candidate_starts(serving: Serving) -> None:
    cluster = serving()
    assert queries(cluster.observe()) == {}
    cluster.model = model("2")
    cluster.pass_until_quiet()
    assert queries(cluster.observe()) == {}


def test_history_is_asked_once_and_of_the_stable_arm_alone(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(300, lambda: bool(cluster.status.get("judge")))
    cluster.status["judge"] = None
    asked = queries(cluster.observe())["errors"]
    assert cluster.revision_of("2") not in asked.query
    assert asked.end - asked.start == 3 * 3600
    assert asked.end % asked.step == 0


def test_ticks_are_aligned_and_each_is_asked_once(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(300, cluster.has_weight)
    assert queries(cluster.observe()) == {}
    cluster.advance()
    asked = queries(cluster.observe())["errors"]
    assert (asked.end - asked.start, asked.end % 10) == (10, 0)
    late = replace(cluster.observe(), defaults=Defaults("o", "s", prometheus_delay_seconds=5.0))
    assert queries(late) == {}, "its samples may not have arrived"


def test_a_long_break_is_made_up_for_in_part(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(300, cluster.has_weight)
    for _ in range(100):
        cluster.advance()
    asked = queries(cluster.observe())["errors"]
    assert asked.end - asked.start == 30 * 10
    cluster.pass_until_quiet()
    assert queries(cluster.observe()) == {}


@pytest.mark.parametrize("text", ['{"version": 999}', "zlib9:eJw="], ids=["version", "packed otherwise"])
def test_a_judge_of_another_version_begins_anew(serving: Serving, text: str) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(300, cluster.has_weight)
    cluster.status["judge"] = text
    cluster.pass_until_quiet()
    assert "JudgeRestarted" in cluster.reasons()
    assert cluster.run(3600, lambda: cluster.arm("stable") == "2")


def test_the_matchers_of_the_settings_are_part_of_every_question(serving: Serving) -> None:
    """Two clusters in one Thanos have the same names and revisions: without them the sum of both is judged."""
    ours = 'cluster="eu-1",namespace="prod",'
    words = scope("prod", "churn", stable="b", candidate="c", interval_seconds=10, cluster='cluster="eu-1"')
    for preset in ("Errors", "ClientErrors", "Latency"):
        text = promql(Metric.model_validate({"name": "m", "preset": preset}), Runtime(), words)
        assert text.count(ours) == text.count("namespace=") > 0
    own = Metric.model_validate({"name": "m", "value": {"query": "up{ {{ selector }} }", "max": "1"}})
    assert promql(own, Runtime(), words).startswith("up{ " + ours)
    cluster = serving()
    cluster.try_version()
    assert cluster.run(300, cluster.has_weight)
    cluster.advance()
    observed = replace(cluster.observe(), defaults=Defaults("o", "s", prometheus_matchers='cluster="eu-1"'))
    assert all('{cluster="eu-1",namespace=' in asked.query for asked in queries(observed).values())


@pytest.mark.parametrize("stable", ['"} or secret{a="', "b|.*", "b c", "\n", "x" * 64])
def test_a_revision_that_a_status_makes_up_is_not_asked_about(stable: str) -> None:
    """Whoever may write a status must not therefore ask Prometheus what they like."""
    words = scope("prod", "churn", stable=stable, candidate=stable, interval_seconds=10)
    assert words["selector"].endswith('rollmodel_dev_revision=~""')
    assert (words["stable"], words["candidate"]) == ("", "")


@pytest.mark.parametrize(
    ("paired", "rule"),
    [
        ({}, "differs"),
        ({"differsBy": "0.05"}, "differsBy=0.05"),
        ({"threshold": "-0.5"}, "threshold=-0.5"),
        ({"only": {"feature": "plan", "value": "gold"}}, "differs;plan=gold"),
        ({"only": {"feature": 'a"b', "value": "\\"}}, 'differs;a\\"b=\\\\'),
    ],
)
def test_pairs_are_asked_of_the_candidate_alone_and_by_their_rule(paired: dict[str, str], rule: str) -> None:
    asked = query(paired={"maxDisagreement": "0.02", **paired})
    of_candidate = f'{SELECTOR},rollmodel_dev_revision="cccccccc",rule="{rule}"'
    assert asked == roles(
        summed(f"rollmodel_server_pairs_differing_total{{{of_candidate}}}"),
        summed(f"rollmodel_server_pairs_total{{{of_candidate}}}"),
    )


def test_a_mean_of_pairs_is_asked_by_its_largest_difference() -> None:
    asked = query(paired={"maxMeanDifference": "0.02", "largestDifference": "0.5"})
    of_rule = f'{SELECTOR},rollmodel_dev_revision="cccccccc",rule="meanUpTo=0.5"'
    for role, name, sign in (
        ("total", "pairs_total", ""),
        ("up", "pairs_mean_difference_total", ',sign="positive"'),
        ("down", "pairs_mean_difference_total", ',sign="negative"'),
        ("squares", "pairs_mean_squares_total", ""),
    ):
        counter = summed(f"rollmodel_server_{name}{{{of_rule}{sign}}}")
        assert f'label_replace({counter}, "role", "{role}", "", "")' in asked
