"""A small fleet as the dashboard sees it: models at several points of their life, trainings, a policy, hostile names.

``python -m tests.support.simulation.fleet`` serves it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.cli.dashboard.command import serving
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live

from tests.support.simulation.rollouts import START, TICK, Cluster, model, spec
from tests.support.simulation.trainings.statuses import GATES, SPEC, running, status

__all__ = ["HOSTILE", "NAMESPACE", "fleet", "put"]

NAMESPACE = "prod"
#: What a text in an object may try.
HOSTILE = '</small><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">\u202e'

SAME = 0.05
_API = "rollmodel.dev/v1alpha1"


def fleet(now: datetime | None = None, *, hostile: bool = True) -> tuple[Live, JudgeHistory]:
    """All of it, with times as if it were now; nothing moves any more. ``hostile``: with objects that are not sound."""
    history = JudgeHistory()
    live = Live(cast("ApiServer", None), None, seen=history.take)
    now = now or datetime.now(UTC)
    for bad, seconds, name in ((SAME, 600, "churn"), (0.3, 400, "fraud"), (0.005, 900, "tumour-screening")):
        for manifest in _rollout(name, bad, seconds):
            history.take(manifest)
        put(live, _moved(manifest, now))
    if hostile:
        _put_hostile(live, now)
    for name, state in (
        ("churn-nightly", status("True", "Registered", "version 2 was registered", modelVersion="2", gates=[GATES[0]])),
        ("churn-biased", status("False", "GatesFailed", "1 of 2 gates does not hold", gates=list(GATES))),
        ("churn-next", running(step=42)),
    ):
        put(live, _moved(_object("TrainingJob", name, dict(SPEC), state), now, datetime(2026, 1, 1, 0, 20, tzinfo=UTC)))
    put(live, _policy(now))
    return live, history


def _put_hostile(live: Live, now: datetime) -> None:
    lines = [{"type": "Ready", "status": "False", "reason": "Stalled", "message": HOSTILE}]
    lines += [{**lines[0], "type": "Stalled", "status": "True"}]
    stalled = {"conditions": [{**line, "lastTransitionTime": _rfc3339(now)} for line in lines]}
    put(live, _object("ModelDeployment", "ranking", {"model": {"uri": "s3://models/ranking"}}, stalled, "research"))
    put(live, _object("ModelDeployment", "new-one", {"model": {"registry": {"name": "x", "alias": "y"}}}, {}))
    put(live, _object("ModelDeployment", "odd", {"model": {}}, {"stable": {"weight": "all"}}))
    live.problems["DriftPolicy"] = "the Kubernetes API did not answer"


def put(live: Live, manifest: dict[str, Any]) -> None:
    """Store an object, as a watch would."""
    metadata = manifest["metadata"]
    live.objects[manifest["kind"], metadata["namespace"], metadata["name"]] = manifest
    live._seen(manifest)
    live._move()


@cache
def _served() -> Cluster:
    """Version 1, which fails in 5 %, has served for a while."""
    cluster = Cluster(spec(), rate=100)
    cluster.behave("1", bad=0.05)
    cluster.run(1000)
    return cluster


def _rollout(name: str, bad: float, seconds: int) -> Sequence[dict[str, Any]]:
    """A version that fails this often beside it, pass by pass: up to 50 %, or for so long."""
    cluster, passes = deepcopy(_served()), []
    cluster.behave("2", bad=bad)
    cluster.model = model("2")
    for _ in range(seconds // TICK):
        cluster.run(TICK)
        wish, state = cluster.spec.to_wire(), json.loads(json.dumps(cluster.status))
        passes.append(_object("ModelDeployment", name, wish, state))
        if bad == SAME and state.get("candidate", {}).get("weight") == 50:
            break
    passes[-1]["ended"] = cluster.now
    return passes


def _policy(now: datetime) -> dict[str, Any]:
    lines = [{"type": "Ready", "status": "True", "reason": "Drifted", "message": "features/age changed"}]
    lines += [{"type": "DriftDetected", "status": "True", "reason": "Drifted", "message": "features/age"}]
    since = _rfc3339(now - timedelta(hours=3))
    signal = {"name": "features/age", "windowSeconds": 3600, "verdict": "Drifted", "severity": "Severe"}
    signal |= {"samples": 5400, "psi": "0.41", "correctedPsi": "0.40", "log10P": "-37", "minDetectablePsi": "0.02"}
    state = {
        "conditions": [{**line, "lastTransitionTime": since} for line in lines],
        "profile": {"revision": "bsswndqj", "rows": 20000},
        "learnt": {"windows": 96, "falseAlarms": 4, "time": since, "dispersion": "{}"},
        "budget": {"spent": "0.01", "remaining": "0.99", "periodStartTime": since},
        "episode": {"number": 1, "startTime": since, "trigger": "features/age"},
        "lastEvaluationTime": _rfc3339(now - timedelta(minutes=4)),
        "signals": [
            {**signal, "since": since, "looks": 3, "message": "mean 40 → 46"},
            {"name": "features/income", "windowSeconds": 3600, "verdict": "Stable", "samples": 5400, "psi": "0.003"},
            {"name": "prediction", "windowSeconds": 86400, "verdict": "Insufficient", "samples": 210},
        ],
        "retrains": [
            {
                "episode": "churn-1",
                "trigger": "features/age",
                "outcome": "Running",
                "time": since,
                "trainingJob": "churn-next",
            }
        ],
    }
    return _object("DriftPolicy", "churn", {"modelDeploymentRef": {"name": "churn"}}, state)


def _object(
    kind: str, name: str, wish: dict[str, Any], state: dict[str, Any], namespace: str = NAMESPACE
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "generation": 1, "uid": name, "resourceVersion": "1"}
    metadata["creationTimestamp"] = _rfc3339(START)
    return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": wish, "status": state}


def _moved(manifest: dict[str, Any], now: datetime, ended: datetime | None = None) -> dict[str, Any]:
    """The same object with all times moved, so that it is as old now as it was when it ended."""
    by = now - (ended or manifest.pop("ended"))

    def move(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: move(one) for key, one in value.items()}
        if isinstance(value, list):
            return [move(one) for one in value]
        if isinstance(value, str) and len(value) == 20 and value.startswith("2026-01-01T") and value.endswith("Z"):
            return _rfc3339(datetime.fromisoformat(value) + by)
        return value

    moved: dict[str, Any] = move(manifest)
    return moved


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _show() -> None:
    live, history = fleet()
    async with serving(live, history, None, mlflow_url="https://mlflow.example.com") as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_show())
