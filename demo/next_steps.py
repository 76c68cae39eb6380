"""What a person can try on a cluster that the demo leaves: commands that work as they are printed.

A test of the whole demo runs each of them (``tests/cluster/demo/test_kept.py``).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.stack import Stack

__all__ = ["Served", "Step", "environment", "page", "steps"]


@dataclass(frozen=True, slots=True)
class Served:
    """What the demo leaves: a ModelDeployment, the host of its route, and a file with a request body in each line."""

    name: str
    host: str
    bodies: Path
    taken_back: bool = False
    """Whether its last version was taken back, so that it can be tried again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try: what it shows, and commands for a shell."""

    title: str
    commands: Sequence[str]


def environment(where: Stack) -> list[str]:
    """Lines for a shell, so that the commands of the steps are found and meet this cluster."""
    folders = f"{where.kubectl.binary.parent}:{Path(sys.executable).parent}"
    return [
        f"export KUBECONFIG={shlex.quote(str(where.kubectl.kubeconfig))}",
        f'export PATH={shlex.quote(folders)}:"$PATH"',
        f"export MLFLOW_TRACKING_URI={where.mlflow_url}",
    ]


def steps(where: Stack, served: Served) -> list[Step]:
    """Things to try, in an order that makes sense."""
    place, name, bodies = f"-n {where.kubectl.namespace}", served.name, shlex.quote(str(served.bodies))
    pods = f"-l rollmodel.dev/model-deployment={name}"
    report = shlex.quote(str(served.bodies.parent / "report.html"))
    ask = (
        f"head -1 {bodies} | curl -sS -f -H 'Host: {served.host}' -H 'Content-Type: application/json' -d @-"
        f" {where.gateway_url}/invocations"
    )
    first = [
        Step("ask the model", [ask]),
        Step("see what serves", [f"kubectl get mdep,pods {place}", f"kubectl describe mdep {place} {name}"]),
        Step("read why", [f"rollmodel explain {place} {name}", f"rollmodel explain {place} {name} --html {report}"]),
        Step(
            "delete a pod: the other one answers, and a new one comes",
            [f"kubectl delete {place} $(kubectl get pods {place} {pods} -o name | head -1)", ask],
        ),
    ]
    return [*first, _again(where, served, place) if served.taken_back else _rerun(place)]


def _again(where: Stack, served: Served, place: str) -> Step:
    """A judge needs requests, so some come first."""
    send = f"python -m demo.traffic {where.gateway_url} {served.host} {shlex.quote(str(served.bodies))} --seconds 300 &"
    return Step(
        "try the version again that was taken back, with 40 requests a second",
        [send, f"rollmodel retry {place} {served.name}", f"rollmodel wait {place} {served.name} --for rolled-back"],
    )


def _rerun(place: str) -> Step:
    return Step(
        "see the trainings, and what one of them wrote",
        [f"rollmodel get {place}", f"rollmodel logs {place} progression"],
    )


def page(where: Stack, served: Served) -> str:
    """All of it as text."""
    lines = ["", "The cluster stays up until `make demo-down`. In a shell in this folder:", ""]
    lines += [f"  {line}" for line in environment(where)]
    for number, step in enumerate(steps(where, served), 1):
        lines += ["", f"  # {number}. {step.title}", *(f"  {command}" for command in step.commands)]
    lines += ["", f"MLflow {where.mlflow_url}   Prometheus {where.prometheus_url}   gateway {where.gateway_url}"]
    return "\n".join(lines)
