"""DriftPolicies of a namespace: which model drifts, how far, what was done, and what each policy can see."""

from __future__ import annotations

from charts.dashboards.build import Dashboard, Panel, Query, Row, variable

__all__ = ["DRIFT"]

_OBJECT = 'namespace="$namespace",name="$name"'


def _of_policy(metric: str, by: str) -> Query:
    return Query(f"max by ({by}) (rollmodel_drift_{metric}{{{_OBJECT}}})", f"{{{{{by}}}}}")


_ALL = Row(
    "All policies and trainings",
    [
        Panel(
            "Drifted",
            [Query('sum(max by (namespace, name) (rollmodel_drift_state{state="Drifted"}))')],
            kind="stat",
            width=4,
            height=4,
            about="Policies whose alarm is on.",
        ),
        Panel(
            "Blind",
            [Query('sum(max by (namespace, name) (rollmodel_drift_state{state="Blind"}))')],
            kind="stat",
            width=4,
            height=4,
            about="Policies that cannot look.",
        ),
        Panel(
            "Looks in the last hour",
            [Query("sum by (result) (increase(rollmodel_drift_looks_total[1h]))", "{{result}}")],
            about="By what they found. A counter that is new has no increase yet.",
        ),
        Panel(
            "Trainings in the last day",
            [
                Query("sum by (outcome) (increase(rollmodel_trainings_total[1d]))", "{{outcome}}"),
                Query("sum by (outcome) (increase(rollmodel_drift_retrains_total[1d]))", "of alarms: {{outcome}}"),
            ],
            about="All that ended, and those that alarms asked for.",
        ),
    ],
)

_POLICY = Row(
    "One policy",
    [
        Panel(
            "State",
            [Query(f"max by (state) (rollmodel_drift_state{{{_OBJECT}}}) == 1", "{{state}}")],
            kind="state-timeline",
            words={"1": "yes"},
            colours={"1": "blue"},
            about="`Insufficient`, `Learning` and `Blind` are not healthy.",
        ),
        Panel(
            "Conditions",
            [_of_policy("condition", "type")],
            kind="state-timeline",
            words={"0": "no", "1": "yes"},
            colours={"0": "text", "1": "blue"},
        ),
        Panel(
            "Budget of false alarms that is spent",
            [Query(f"max(rollmodel_drift_budget_spent_ratio{{{_OBJECT}}})", "spent")],
            unit="percentunit",
            most=1,
            about="Of this period. Each look spends a little; nothing is lost when it is all spent at the end.",
        ),
    ],
)

_SIGNALS = Row(
    "Its signals",
    [
        Panel(
            "Change, in units of what is allowed",
            [_of_policy("change_ratio", "signal")],
            width=12,
            about="Above 1 it matters, if it is certain, too.",
        ),
        Panel(
            "How unlikely by chance, log10 p",
            [_of_policy("log10_p", "signal")],
            width=12,
            least=None,
            about="The lower, the less it can be chance.",
        ),
        Panel("Rows in each window", [_of_policy("window_rows", "window_seconds")], width=12),
        Panel(
            "Smallest PSI that each window sees",
            [_of_policy("visible_psi", "window_seconds")],
            width=12,
            about="With 80 % chance. Nothing where a window has too few rows.",
        ),
    ],
)

DRIFT = Dashboard(
    uid="rollmodel-drift",
    title="Rollmodel: drift and trainings",
    about="Models that are asked other things than they were trained on, and what was done about it.",
    rows=[_ALL, _POLICY, _SIGNALS],
    variables=[
        variable("namespace", "label_values(rollmodel_drift_state, namespace)", "Namespace"),
        variable("name", 'label_values(rollmodel_drift_state{namespace="$namespace"}, name)', "DriftPolicy"),
    ],
    annotations={"An alarm": f'max(rollmodel_drift_state{{{_OBJECT},state="Drifted"}}) == 1'},
)
