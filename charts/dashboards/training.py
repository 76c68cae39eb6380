"""Trainings: what they do, how they end, what they cost, and schedules that have not succeeded for long."""

from __future__ import annotations

from charts.dashboards.build import Dashboard, Panel, Query, Row, variable

__all__ = ["TRAINING"]

_HERE = 'namespace="$namespace"'


def _now(title: str, state: str, about: str) -> Panel:
    query = f'sum(max by (namespace) (rollmodel_training_jobs{{state="{state}"}})) or vector(0)'
    return Panel(title, [Query(query)], kind="stat", width=6, height=4, about=about)


def _duration(share: float) -> Query:
    buckets = "sum by (le, result) (increase(rollmodel_training_seconds_bucket[1d]))"
    return Query(f"histogram_quantile({share}, {buckets})", f"{{{{result}}}} p{share * 100:.0f}")


_ALL = Row(
    "All trainings",
    [
        _now("Running", "Running", "Pods of the training are there."),
        _now("Waiting", "Waiting", "For their turn in a queue, for pods, or for MLflow."),
        _now("Need a person", "Stalled", "No waiting helps; `kubectl get tjob -A -o wide` says why."),
        _now("Schedules", "Scheduled", "They start others."),
        Panel(
            "Ended in the last day, by outcome",
            [Query("sum by (outcome) (increase(rollmodel_trainings_total[1d]))", "{{outcome}}")],
            about="`Succeeded`, or why not. A counter that is new has no increase yet.",
        ),
        Panel(
            "How long they take",
            [_duration(share) for share in (0.5, 0.9)],
            unit="s",
            about="Of those that ended in the last day, from the first pod on; steps of the histogram are coarse.",
        ),
        Panel(
            "Attempts that ended badly, a day",
            [Query("sum by (result) (increase(rollmodel_training_attempts_total[1d]))", "{{result}}")],
            about="`Disruption` is the cluster's doing: a node that went, a preemption. Those are tried again.",
        ),
        Panel(
            "GPU hours a day",
            [
                Query(
                    "sum by (namespace) (increase(rollmodel_training_gpu_seconds_total[1d])) / 3600",
                    "{{namespace}}",
                )
            ],
            width=12,
            about="GPUs times time, of attempts that ended.",
        ),
        Panel(
            "Trainings that drift asked for, a day",
            [Query("sum by (outcome) (increase(rollmodel_drift_retrains_total[1d]))", "{{outcome}}")],
            width=12,
        ),
    ],
)

_TEAM = Row(
    "One namespace",
    [
        Panel(
            "TrainingJobs by what they do",
            [Query(f"max by (state) (rollmodel_training_jobs{{{_HERE}}}) > 0", "{{state}}")],
            width=12,
        ),
        Panel(
            "Since the last success of a schedule",
            [
                Query(
                    f"time() - max by (name) (rollmodel_training_last_success_timestamp_seconds{{{_HERE}}})",
                    "{{name}}",
                )
            ],
            unit="s",
            width=12,
            about="One that rises far above its interval trains nothing any more.",
        ),
    ],
)

TRAINING = Dashboard(
    uid="rollmodel-training",
    title="Rollmodel / Training",
    about="TrainingJobs: what they do, how they end, and what they cost.",
    rows=[_ALL, _TEAM],
    variables=[variable("namespace", "label_values(rollmodel_training_jobs, namespace)", "Namespace")],
)
