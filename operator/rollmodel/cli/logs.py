"""``rollmodel logs``: what the pods of an attempt write, or those of a model that serves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import TRAINING_JOB, Session
from rollmodel.cli.common.follow import follow
from rollmodel.cli.common.printing.rows import spec_of, status_of
from rollmodel.cli.common.targets import add_mlflow_url, add_target, named
from rollmodel.cli.training.pod_logs import POD, LogOptions, PodLog, copy_all
from rollmodel.cli.training.tables import run_link
from rollmodel.cli.watch import INTERRUPTED, fate
from rollmodel.errors import Invalid, NotFound, RollmodelError
from rollmodel.plan import naming

__all__ = ["main"]

_DESCRIPTION = "Print the log of a TrainingJob's current or last attempt, or of the pods of a ModelDeployment."
_INDEX = "batch.kubernetes.io/job-completion-index"
#: Logs that are followed at once; each holds a connection.
MOST_AT_ONCE = 24


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where there is nothing to read."""
    arguments = _parser().parse_intermixed_args(argv)
    try:
        kinds, name = named(arguments)
        cluster.run(arguments.namespace, arguments.kubeconfig, lambda session: _print(session, kinds, name, arguments))
    except RollmodelError as error:
        print(f"rollmodel logs: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel logs", description=_DESCRIPTION)
    add_target(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="wait for the pods, and go on until they end")
    parser.add_argument("-c", "--container", help="container (default: train, or model of a ModelDeployment)")
    parser.add_argument("--rank", type=int, help="this node only, of a run on several (default: all of them)")
    parser.add_argument("--tail", type=int, metavar="LINES", help="begin so many lines before the end")
    add_mlflow_url(parser)
    return parser


async def _print(session: Session, kinds: Sequence[Resource], name: str, arguments: argparse.Namespace) -> None:
    resource, _ = await session.find(kinds, name)
    if resource is TRAINING_JOB:
        usual, logs = "train", await _of_run(session, name, arguments)
    else:
        usual, logs = "model", await _of_deployment(session, name)
    if arguments.follow and len(logs) > MOST_AT_ONCE:
        raise Invalid(f"{len(logs)} pods are too many to follow at once: choose one with --rank")
    await copy_all(session, logs, LogOptions(arguments.container or usual, arguments.follow, arguments.tail))


async def _of_run(session: Session, name: str, arguments: argparse.Namespace) -> Sequence[PodLog]:
    """The pods of the current or last attempt by rank; waits for them where that is asked for."""
    async with aclosing(follow(session, TRAINING_JOB, name)) as versions:
        async for manifest in versions:
            job = _job(manifest)
            pods = await session.list(POD, labelSelector=f"batch.kubernetes.io/job-name={job}") if job else ()
            if pods or not arguments.follow or fate(manifest) is not None:
                break
    if not pods:
        raise _gone(manifest, arguments.mlflow_url)
    several = spec_of(manifest).nodes > 1
    ranked = sorted((_rank(pod), pod["metadata"]["name"]) for pod in pods)
    logs = [PodLog(pod, f"[{rank}] " if several else "") for rank, pod in ranked if arguments.rank in {None, rank}]
    if not logs:
        raise NotFound(f"there is no rank {arguments.rank}: ranks are 0 to {ranked[-1][0]}")
    return logs


async def _of_deployment(session: Session, name: str) -> Sequence[PodLog]:
    pods = await session.list(POD, labelSelector=naming.selector_text(naming.owner_selector(name)))
    if not pods:
        raise NotFound(f"ModelDeployment {name!r} has no pods; `rollmodel describe mdep {name}` says why")
    return [PodLog(pod["metadata"]["name"], f"[{pod['metadata']['name']}] ") for pod in pods]


def _job(manifest: Mapping[str, Any]) -> str | None:
    """The Job of the current attempt; between two, that of the last."""
    status = status_of(TrainingJobStatus, manifest)
    started = status.attempts.started if status.attempts else 0
    return status.job_name or (naming.job(manifest["metadata"]["name"], started) if started else None)


def _rank(pod: Mapping[str, Any]) -> int:
    return int((pod["metadata"].get("annotations") or {}).get(_INDEX, 0))


def _gone(manifest: Mapping[str, Any], mlflow_url: str | None) -> NotFound:
    """Why there are no pods, and where else to look."""
    status, spec, name = status_of(TrainingJobStatus, manifest), spec_of(manifest), manifest["metadata"]["name"]
    if spec.schedule is not None:
        return NotFound(f"{name} is a schedule and runs nothing itself: `rollmodel get tjob` lists its runs")
    job = _job(manifest)
    if job is None:
        return NotFound(f"{name} has no attempt yet: -f waits for one, `rollmodel describe tjob {name}` says why")
    ways = [f"the log collector of the cluster may have kept them, under pods of Job {job}"]
    if status.run_id:
        ways.append(f"what the code logged is in MLflow, run {run_link(status, mlflow_url)}")
    if status.attempts is not None and status.attempts.last_failure:
        ways.append(f"the last failure was {status.attempts.last_failure}")
    kept = f"the pods of {job} are gone, and their logs with them"
    if status.completion_time is not None:
        kept += f" (a finished run keeps them for {spec.ttl_seconds_after_finished} s: `ttlSecondsAfterFinished`)"
    return NotFound(f"{kept}; " + "; ".join(ways))
