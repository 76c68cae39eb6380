"""All models, the operator itself, and its neighbours."""

from __future__ import annotations

from charts.dashboards.build import Dashboard, Panel, Query, Row

__all__ = ["FLEET"]


def _count(kind: str) -> str:
    return f'sum(max by (namespace, name) (rollmodel_condition{{type="{kind}"}}))'


def _of_models(title: str, query: str, about: str) -> Panel:
    return Panel(title, [Query(query)], kind="stat", width=4, height=4, about=about)


def _quantile(share: float, metric: str, by: str) -> Query:
    expr = f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"
    return Query(expr, f"{{{{{by}}}}} p{share * 100:.0f}")


_MODELS = Row(
    "Models",
    [
        _of_models(
            "Models", 'count(max by (namespace, name) (rollmodel_condition{type="Ready"}))', "ModelDeployments."
        ),
        _of_models("Ready", _count("Ready"), "What is wanted serves, and nothing is tried."),
        _of_models("Being tried", "count(max by (namespace, name) (rollmodel_rollout_step)) or vector(0)", "Rollouts."),
        _of_models("Paused", _count("Paused"), "Rollouts that wait for somebody."),
        _of_models("Need a person", _count("Stalled"), "No waiting helps; `kubectl get mdep -A -o wide` says why."),
        _of_models("Operators at work", "sum(rollmodel_leader)", "1 for each release; others stand by."),
        Panel(
            "Which need a person",
            [Query('max by (namespace, name) (rollmodel_condition{type="Stalled"}) == 1')],
            kind="table",
            about="Empty is good.",
        ),
        Panel(
            "Share of traffic that candidates have",
            [
                Query(
                    'max by (namespace, name) (rollmodel_traffic_weight_ratio{track="candidate"}) > 0',
                    "{{namespace}}/{{name}}",
                )
            ],
            unit="percentunit",
            most=1,
            about="As the gateway has taken it.",
        ),
        Panel(
            "Verdicts in the last hour",
            [Query("sum by (verdict) (increase(rollmodel_verdicts_total[1h]))", "{{verdict}}")],
            about="How rollouts ended. A counter that is new has no increase yet.",
        ),
    ],
)

_OPERATOR = Row(
    "Operator",
    [
        Panel(
            "Passes",
            [Query("sum by (kind, result) (rate(rollmodel_reconcile_total[$__rate_interval]))", "{{kind}} {{result}}")],
            unit="ops",
            about="One pass is one look at one object. `conflict` is read again at once; `crash` is a bug.",
        ),
        Panel(
            "How long a pass takes",
            [_quantile(share, "rollmodel_reconcile_seconds", "kind") for share in (0.5, 0.99)],
            unit="s",
        ),
        Panel("Objects known", [Query('count by (job) (rollmodel_condition{type="Ready"})', "{{job}}")]),
    ],
)

_NEIGHBOURS = Row(
    "MLflow and Prometheus",
    [
        Panel(
            "Requests",
            [
                Query(
                    "sum by (neighbour) (rate(rollmodel_neighbour_request_seconds_count[$__rate_interval]))",
                    "{{neighbour}}",
                )
            ],
            unit="reqps",
            about="`registry` and `tracking` are MLflow.",
        ),
        Panel(
            "How long they take",
            [_quantile(0.99, "rollmodel_neighbour_request_seconds", "neighbour")],
            unit="s",
        ),
        Panel(
            "Failed",
            [
                Query(
                    "sum by (neighbour, reason) (rate(rollmodel_neighbour_errors_total[$__rate_interval]))",
                    "{{neighbour}} {{reason}}",
                )
            ],
            unit="reqps",
            about="Empty is good; an alias that is not set is counted here, too.",
        ),
    ],
)

FLEET = Dashboard(
    "rollmodel-fleet",
    "Rollmodel / Fleet",
    "All models, the operator, and what it depends on.",
    [_MODELS, _OPERATOR, _NEIGHBOURS],
)
