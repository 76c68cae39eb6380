"""What Prometheus can know of an operator and of a model server, and what an expression asks for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from rollmodel.api.driftpolicy import RetrainStatus
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Reading
from rollmodel.runtime.metrics.certificates import Certificates
from rollmodel.runtime.metrics.drift import OF_LOOKS
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.metrics.shards import ShardMetrics
from rollmodel.serving.server.metrics import ServerMetrics

__all__ = ["OF_PODS", "SCRAPED", "certificates", "exported", "labels_named", "policy_passes", "selectors", "shards"]

#: Labels that scraping gives to every series, or that our PodMonitor copies from a model's pod.
SCRAPED = frozenset({"job", "instance", "namespace", "pod", "le"})
OF_PODS = frozenset({"rollmodel_dev_model_deployment", "rollmodel_dev_revision"})

_SELECTOR = re.compile(r"\b(?P<name>(?:rollmodel|container|kube|DCGM)_\w+|up)\b(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_CLAUSE = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")


def exported() -> Mapping[str, Mapping[str, AbstractSet[str]]]:
    """Sample -> label -> values that are known; the sample's labels beside those of scraping."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for registry in (_operator(), _server()):
        for family in registry.collect():
            for sample in family.samples:
                labels = found[sample.name]  # made here, also for a sample without labels
                for label, value in sample.labels.items():
                    labels[label].add(value)
    return found


def selectors(expression: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Metric, and its matchers as (label, operator, value)."""
    plain = _CLAUSE.sub(" ", expression)
    for one in _SELECTOR.finditer(plain):
        yield one["name"], _MATCHER.findall(one["matchers"] or "")


def labels_named(expression: str) -> AbstractSet[str]:
    """Labels by which the expression groups or joins."""
    return {label.strip() for clause in _CLAUSE.findall(expression) for label in clause.split(",") if label.strip()}


def _operator() -> CollectorRegistry:
    """Everything that an operator can count, counted once."""
    instruments = Instruments()
    for kind in ("ModelDeployment", "TrainingJob", "DriftPolicy"):
        _pass(instruments, kind, None)
        _pass(instruments, kind, Unavailable("away"))
        _pass(instruments, kind, KeyError("a bug"))
    for neighbour in ("registry", "tracking", "prometheus", "webhook"):
        with suppress(Unavailable), instruments.call(neighbour):
            raise Unavailable("away")
    history = [
        {"verdict": verdict, "cause": "A", "time": "2026-01-01T00:00:00Z"}
        for verdict in ("Installed", "Promoted", "RolledBack", "Superseded", "Aborted")
    ]
    evidence = [{"metric": "errors", "verdict": "Undecided", "eValue": "3.5"}]
    status: dict[str, Any] = {"stable": {"weight": 75}, "candidate": {"weight": 25, "step": 0}, "history": history}
    status["evidence"] = evidence
    body = {"kind": "ModelDeployment", "metadata": {"namespace": "team", "name": "churn"}}
    instruments.on_pass("uid", {**body, "status": {}}, {**body, "status": status}, sample_age=1.0)
    policy_passes(instruments)
    certificates(instruments)
    shards(instruments)
    return instruments.registry


def certificates(instruments: Instruments) -> None:
    """A certificate of the operator's settings."""
    Certificates({"prometheus-client": Path("client.pem")}, instruments.registry, end=lambda _: 0.0)


def shards(instruments: Instruments) -> None:
    """Two shards, and that one of them is the operator's."""
    ShardMetrics("a", instruments.registry, leads=lambda: True, namespaces=lambda: {"a": 1, "default": 2})


def policy_passes(instruments: Instruments) -> None:
    """Passes over a DriftPolicy that were all that they can be, and a training that ended."""
    ended = [{"type": "Succeeded", "status": "True", "reason": "GatesHeld"}]
    job = {"kind": "TrainingJob", "metadata": {"namespace": "team", "name": "train"}}
    cost = {"failures": 1, "disruptions": 1, "gpuSeconds": 60}
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:10:00Z"}
    run = {"conditions": ended, "attempts": cost, **times, "schedule": {"lastSuccessfulTime": times["startTime"]}}
    instruments.on_pass("job", {**job, "status": {}}, {**job, "status": run})
    failed = [{**ended[0], "status": "False", "reason": "GatesFailed"}]
    instruments.on_pass("other", {**job, "status": {}}, {**job, "status": {**run, "conditions": failed}})
    body = {"kind": "DriftPolicy", "metadata": {"namespace": "team", "name": "watch"}}
    moment = "2026-01-01T00:00:00Z"
    readings = [Reading(metric, "x", 1.0) for metric in OF_LOOKS]
    budget = {"spent": "0", "remaining": "0.05", "periodStartTime": moment}
    episode = {"number": 1, "startTime": moment, "trigger": "x"}
    outcomes = RetrainStatus.model_json_schema()["properties"]["outcome"]["enum"]
    retrains = [{"episode": word, "trigger": "x", "outcome": word, "time": moment} for word in outcomes]
    for state in ("Stable", "Suspected", "Drifted", "Insufficient", "Learning"):
        ready = {"type": "Ready", "status": "True", "reason": state, "message": "", "lastTransitionTime": moment}
        status = {"lastEvaluationTime": moment, "budget": budget, "episode": episode, "retrains": retrains}
        after = {**body, "status": {**status, "conditions": [ready]}}
        instruments.on_pass("policy", {**body, "status": {}}, after, readings=readings)


def _pass(instruments: Instruments, kind: str, error: Exception | None) -> None:
    with suppress(Unavailable, KeyError), instruments.pass_over(kind):
        if error is not None:
            raise error


def _server() -> CollectorRegistry:
    labels = ("model_id", "run_id", "mlflow_version", "python_version")  # as the server's worker gives them
    server = ServerMetrics(dict.fromkeys(labels, "a"))
    server.observe(200, 0.1)
    return server._registry
