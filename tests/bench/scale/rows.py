"""What the measurements mean: figures with units, beside the targets of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import quantiles

from tests.bench.scale.measurements.cold_start import ColdStart
from tests.bench.scale.measurements.first_answer import FirstAnswer
from tests.bench.scale.measurements.rest import MODELS, POLL_SECONDS, Rest
from tests.bench.scale.measurements.rollback import Rollback
from tests.bench.scale.measurements.training import Batch, Crowd, Training
from tests.bench.scale.measurements.writes import Written
from tests.bench.scale.rig.audit import shares
from tests.bench.scale.section import Row, percentiles, seconds

__all__ = ["cold_rows", "crowd_rows", "first_rows", "rest_rows", "rollback_rows", "training_rows", "write_rows"]

_KB = 1000
_MB = 1000 * _KB
_OBJECT_KB = 80
_ALL_MB = 150
_REQUESTS, _CPU_MS = 9, 40
"""Of one object until it is Ready."""
_POD_SECONDS = 10
"""From apply to pod, of many trainings at once."""
_CPU_SHARE = 0.01
_SHORTEST = 0.9
"""Intervals vary by a tenth, so that not everybody asks at the same moment."""
_CPU_OBJECTS = 1000


def rest_rows(run: Rest) -> list[Row]:
    """Rest, start, restart and burst."""
    return [*_at_rest(run), *_memory(run), *_in_motion(run)]


def first_rows(run: FirstAnswer) -> list[Row]:
    """From training to the first answer, and from a moved alias to a candidate."""
    answers, moves = run.answers, len(run.polled)
    return [
        Row(f"{len(run.training)} trainings: script started to alias moved, p50 / max", seconds(run.training)),
        Row(f"{len(answers)} objects: kubectl apply, p50 / max", seconds([one.applied for one in answers])),
        Row("from its start to Ready, p50 / max", seconds([one.ready for one in answers])),
        Row("from its start to the first answer of the gateway, p50 / max", seconds([one.answered for one in answers])),
        Row(f"{moves} moves: alias moved to candidate begun, p50 / max", seconds(run.polled), "a poll of 15 s at most"),
        Row(f"{len(run.asked)} moves, asked to look at once, p50 / max", seconds(run.asked)),
    ]


def cold_rows(run: ColdStart) -> list[Row]:
    """From the first 503 of the holding page to the first answer of the model."""
    return [
        Row("cold starts of each", str(len(run.model)), "at least 20", len(run.model) >= 20),
        Row("a server that starts at once: first 503 to first 200, p50 / p99", percentiles(run.light)),
        Row("our model server: first 503 to first 200, p50 / p99", percentiles(run.model)),
        Row("answers that were neither the model's nor the page's", str(run.unserved)),
    ]


def rollback_rows(rollbacks: list[Rollback]) -> list[Row]:
    """Verdict to weight 0."""
    answers = [one.answers for one in rollbacks]
    return [
        Row("rollbacks", str(len(rollbacks)), "at least 50", len(rollbacks) >= 50),
        Row("verdict to weight 0 at the gateway, p50 / p99", percentiles([one.seconds for one in rollbacks])),
        Row(
            "answers of the loser after the verdict, mean / most", f"{sum(answers) / len(answers):.1f} / {max(answers)}"
        ),
    ]


def write_rows(runs: Mapping[str, tuple[Written, ...]]) -> list[Row]:
    """What a rollout writes that is won, and one that is lost; and what the hour after it does."""
    rows = [
        Row(f"{strategy}, {run.verdict} after {run.seconds / 60:.0f} min", _kinds(run))
        for strategy, pair in runs.items()
        for run in pair
    ]
    quiet = sum(run.at_rest for pair in runs.values() for run in pair)
    return [*rows, Row("in the hour after each of them", f"{quiet}", "0", quiet == 0)]


def _kinds(run: Written) -> str:
    each = ", ".join(f"{run.writes[kind]} {kind}" for kind in ("status", "created", "changed", "deleted", "Events"))
    return f"{run.writes.total()}: {each}"


def training_rows(run: Training) -> list[Row]:
    """How long between the moments of a run, what a run costs, and many at once."""
    alone, many = run.alone, run.many.batch
    each = len(alone.trials)
    before, after, peak = many.memory
    return [
        *(row for batch in (alone, run.some, many) for row in _moments(batch, alone)),
        _bare(run.many),
        Row("API requests of one run, watches apart", f"{alone.requests.others.total() / each:.1f}"),
        Row("of these, by kind", alone.requests.each(each)),
        Row("MLflow requests of one run", f"{alone.mlflow.total() / each:.1f}"),
        Row("of these requests to MLflow, by kind", shares(alone.mlflow, each)),
        Row(f"{len(many.trials)} at once: first apply to all succeeded", f"{many.seconds:.0f} s"),
        Row("API requests per run", f"{many.requests.others.total() / len(many.trials):.1f}"),
        Row("MLflow requests per run", f"{many.mlflow.total() / len(many.trials):.1f}"),
        Row("CPU per run", f"{1000 * many.cpu_seconds / len(many.trials):.0f} ms"),
        Row("memory before / after / at the most", f"{before / _MB:.1f} / {after / _MB:.1f} / {peak / _MB:.1f} MB"),
    ]


def crowd_rows(crowd: Crowd, qps: int) -> list[Row]:
    """Many at once where each controller of Kubernetes may send so many requests a second, as its flag says."""
    found = [*_moments(crowd.batch, None), _bare(crowd)]
    return [replace(row, name=f"`--kube-api-qps={qps}`: {row.name}") for row in found]


def _bare(crowd: Crowd) -> Row:
    return Row(f"{len(crowd.bare)} Jobs at once, without an operator: Job to pod, p50 / p99", percentiles(crowd.bare))


def _pods(how: str, waited: list[float]) -> Row:
    last = quantiles(waited, n=100, method="inclusive")[98]
    return Row(
        f"{how}: apply to pod created, p50 / p99", percentiles(waited), f"p99 {_POD_SECONDS} s", last <= _POD_SECONDS
    )


def _moments(batch: Batch, alone: Batch | None) -> list[Row]:
    """From apply to pod, and from the end of the pod to the version."""
    count = len(batch.trials)
    how = f"{count} runs, one after the other" if batch is alone else f"{count} at once"
    return [
        Row(f"{how}: apply to Job created, p50 / p99", percentiles([one.job - one.applied for one in batch.trials])),
        _pods(how, [one.pod - one.applied for one in batch.trials]),
        Row(
            f"{how}: pod finished to version registered, p50 / p99",
            percentiles([one.registered - one.finished for one in batch.trials]),
        ),
    ]


def _at_rest(run: Rest) -> list[Row]:
    idle = run.idle
    hours, others = idle.seconds / 3600, idle.requests.others.total()
    polls = idle.registry_queries / (MODELS * idle.seconds / POLL_SECONDS)
    most = MODELS * (1 + idle.seconds / (_SHORTEST * POLL_SECONDS))
    share = idle.cpu_seconds / idle.seconds
    return [
        Row("API requests per object and hour, watches apart", f"{others / run.objects / hours:.2f}", "0", others == 0),
        Row(
            "writes per hour, all objects together",
            f"{idle.requests.writes / hours:.1f}",
            "0",
            not idle.requests.writes,
        ),
        Row("watches opened per hour, all objects together", f"{idle.requests.watches / hours:.0f}"),
        Row("MLflow requests per model, alias and interval", f"{polls:.2f}", "1", idle.registry_queries <= most),
        Row("Prometheus queries", f"{idle.prometheus_queries:.0f}", "0", idle.prometheus_queries == 0),
        Row(
            f"CPU, share of a core (with the {idle.passes:.0f} passes of the resync)",
            f"{100 * share:.2f} %",
            f"< 1 % at {_CPU_OBJECTS:,}",
            share < _CPU_SHARE,
        ),
        Row("length of the look", f"{idle.seconds:.0f} s"),
    ]


def _memory(run: Rest) -> list[Row]:
    memory = run.memory
    each = {"": memory.full, ", after a restart": memory.restarted}
    target = f"<= {_OBJECT_KB} KB"
    return [
        Row("memory: no object, never had one", f"{memory.empty / _MB:.1f} MB"),
        Row("memory: one object (and with it MLflow's client)", f"{memory.one / _MB:.1f} MB"),
        *(
            Row(
                f"memory: {run.objects:,} objects{when}",
                f"{full / _MB:.1f} MB",
                f"<= {_ALL_MB} MB at {_CPU_OBJECTS:,}",
                full <= _ALL_MB * _MB,
            )
            for when, full in each.items()
        ),
        *(
            Row(
                f"memory per object over {base}{when}",
                f"{(full - low) / run.objects / _KB:.1f} KB",
                target,
                (full - low) / run.objects <= _OBJECT_KB * _KB,
            )
            for base, low in (("the empty process", memory.empty), ("the process with one object", memory.one))
            for when, full in each.items()
        ),
    ]


def _in_motion(run: Rest) -> list[Row]:
    install, restart = run.install, run.restart
    requests, cpu = install.requests.others.total() / run.objects, 1000 * install.cpu_seconds / run.objects
    return [
        Row("first apply to all Ready", f"{install.ready_seconds:.0f} s"),
        Row("of this the apply", f"{install.apply_seconds:.0f} s"),
        Row("API requests per object until Ready", f"{requests:.1f}", f"<= {_REQUESTS}", requests <= _REQUESTS),
        Row("CPU per object until Ready", f"{cpu:.0f} ms", f"<= {_CPU_MS} ms", cpu <= _CPU_MS),
        Row("of these, by kind", install.requests.each(run.objects)),
        Row("restart to steady state", f"{restart.seconds:.1f} s"),
        Row("CPU of a restart", f"{restart.cpu_seconds:.1f} s"),
        Row("API requests of a restart", str(restart.requests)),
        Row("writes of a restart", str(restart.requests.writes), "0", not restart.requests.writes),
        Row(f"apply to child Deployment visible, {len(run.burst)} at once, p50 / p99", percentiles(run.burst)),
    ]
