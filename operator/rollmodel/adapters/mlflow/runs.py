"""Runs of MLflow: found, made, logged to and read. Each function is one call, made in a thread."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from posixpath import dirname
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rollmodel.adapters.mlflow.connection.session import Session, exists_already, quoted
from rollmodel.adapters.mlflow.owners import check, made_for
from rollmodel.errors import Invalid
from rollmodel.plan.access.tenancy import OWNER_NAMESPACE
from rollmodel.plan.decision import CreateRun, DatasetInput, LogRun, SetRunStatus
from rollmodel.plan.training.names import TRAINING_JOB_TAG
from rollmodel.plan.training.observed import MetricPoint, TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput as MlflowInput
    from mlflow.entities import Experiment, Run

__all__ = ["artifacts", "create", "find", "get", "history", "log", "rerun", "set_status"]

HISTORY_LIMIT = 1000

#: MLflow's own limits.
_BATCH_ITEMS, _BATCH_BYTES = 100, 500_000
_TAG_LIMIT, _PARAM_LIMIT = 8000, 6000
_DATASET_NAME_LIMIT, _DATASET_DIGEST_LIMIT = 500, 36

_FINAL = ("FINISHED", "FAILED", "KILLED")


def find(session: Session, experiment: str, owner: str) -> TrackedRun | None:
    """The oldest run of this experiment whose tag ``rollmodel.dev/owner`` is ``owner``."""
    known = session.runs.get_experiment_by_name(experiment)
    if known is None:
        return None
    runs = _search(session, known.experiment_id, f"tags.`rollmodel.dev/owner` = {quoted(owner)}", limit=1)
    return _tracked(session, runs[0]) if runs else None


def rerun(session: Session, experiment_id: str, hash_: str, but: str) -> str | None:
    """The oldest finished run with this ``rollmodel.dev/reproducibility-hash`` that is not ``but``."""
    same = f"tags.`rollmodel.dev/reproducibility-hash` = {quoted(hash_)} and attributes.status = 'FINISHED'"
    runs = _search(session, experiment_id, same, limit=2)
    return next((session.identifier(run.info.run_id) for run in runs if run.info.run_id != but), None)


def get(session: Session, run_id: str) -> TrackedRun:
    """A run."""
    return _tracked(session, session.runs.get_run(run_id))


def history(session: Session, run_id: str, metric: str) -> list[float]:
    """At most 1,000 values of a metric, one for each step: an attempt that was tried again logs its steps again."""
    points: list[Any] = []
    token: str | None = None
    while len(points) < HISTORY_LIMIT:
        page = session.runs.get_metric_history(run_id, metric, max_results=HISTORY_LIMIT, page_token=token)
        points += page
        token = page.token
        if not token:
            break
    points.sort(key=lambda point: (point.step, point.timestamp))
    last = {point.step: _number(point.value) for point in points}
    return list(last.values())[:HISTORY_LIMIT]


def artifacts(session: Session, run_id: str, paths: Sequence[str]) -> frozenset[str]:
    """Those of the paths that exist; each folder that holds some of them is listed once."""
    tidy = {path: path.rstrip("/") for path in paths}
    folders = {folder: session.files(run_id, folder) for folder in {dirname(path) for path in tidy.values()}}
    return frozenset(path for path, place in tidy.items() if place in folders[dirname(place)])


def create(session: Session, write: CreateRun, owner: str | None = None) -> TrackedRun:
    """Create a run. Forbidden where the experiment is another namespace's."""
    from mlflow.entities import RunTag  # noqa: PLC0415 - heavy

    tags = [RunTag(key, value[:_TAG_LIMIT]) for key, value in write.tags.items()]
    new = write.tags.get(TRAINING_JOB_TAG) == write.experiment  # named after its only TrainingJob
    experiment_id = _experiment(session, write.experiment, owner, new=new)
    run = session.runs.create_run(experiment_id, "rollmodel", _milliseconds(), tags, write.name)
    return _tracked(session, run)


def log(session: Session, write: LogRun) -> None:
    """Params, then inputs, then tags, in batches that MLflow takes. Invalid where a param has another value already."""
    from mlflow.entities import Param, RunTag  # noqa: PLC0415 - heavy

    params = [[Param(key, value) for key, value in batch] for batch in _batches(write.params, _PARAM_LIMIT)]
    tags = [[RunTag(key, value) for key, value in batch] for batch in _batches(write.tags, _TAG_LIMIT)]
    # MLflow writes the params of a request before its tags, so where both are few one request does
    together = not write.inputs and len(params) == len(tags) == 1
    for batch in [] if together else params:
        session.runs.log_batch(write.run_id, [], batch, [])
    if write.inputs:
        session.runs.log_inputs(write.run_id, [_dataset(given) for given in write.inputs])
    for batch in tags:
        session.runs.log_batch(write.run_id, [], params[0] if together else [], batch)


def set_status(session: Session, write: SetRunStatus) -> None:
    """Set the state of a run; a final one with its end time."""
    from mlflow.entities import RunStatus  # noqa: PLC0415 - heavy

    end = _milliseconds() if write.status in _FINAL else None
    session.runs.update_run_info(write.run_id, RunStatus.from_string(write.status), end, None)


def _experiment(session: Session, name: str, owner: str | None, *, new: bool) -> str:
    """The id of an experiment, which is made if it is absent. Where it should be ``new``, that is tried first."""
    from mlflow.entities import ExperimentTag  # noqa: PLC0415 - heavy
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    known = None if new else session.runs.get_experiment_by_name(name)
    if known is None:
        try:
            tags = [ExperimentTag(OWNER_NAMESPACE, owner)] if owner is not None else []
            return session.identifier(session.runs.create_experiment(name, tags=tags))
        except MlflowException as error:
            forbidden = error.get_http_status_code() == 403  # who may not make one may still use one that is there
            if not exists_already(error) and not (new and forbidden):
                raise
            known = session.runs.get_experiment_by_name(name)
            if known is None and forbidden:
                raise
    identifier = _active(session, name, known)
    if owner is not None and known is not None:
        check(f"experiment {name[:100]!r}", known.tags if made_for(known.tags) else _users(session, identifier), owner)
    return identifier


def _users(session: Session, experiment_id: str) -> dict[str, str]:
    """As a tag would say it, for an experiment that an older release made, or a person: whose run was there first."""
    runs = _search(session, experiment_id, f"tags.`{TRAINING_JOB_TAG}` LIKE '%/%'", limit=1)
    whole_name = runs[0].data.tags.get(TRAINING_JOB_TAG, "") if runs else ""
    return {OWNER_NAMESPACE: whole_name.partition("/")[0]}


def _active(session: Session, name: str, experiment: Experiment | None) -> str:
    if experiment is None or experiment.lifecycle_stage == "deleted":
        raise Invalid(
            f"experiment {name[:100]!r} was deleted in MLflow: restore it (mlflow experiments restore), delete it for"
            " good (mlflow gc), or name another one in `tracking.experiment`",
            reason="ExperimentDeleted",
        )
    return session.identifier(experiment.experiment_id)


def _search(session: Session, experiment_id: str, where: str, *, limit: int) -> list[Run]:
    """Runs that were not deleted, oldest first."""
    from mlflow.entities import ViewType  # noqa: PLC0415 - heavy

    order = ["attributes.start_time ASC"]
    return list(session.runs.search_runs([experiment_id], where, ViewType.ACTIVE_ONLY, limit, order))


def _tracked(session: Session, run: Run) -> TrackedRun:
    metrics = {
        metric.key: MetricPoint(_number(metric.value), int(metric.step), metric.timestamp / 1000)
        for metric in run.data._metric_objs  # noqa: SLF001 - the public view has the values only
    }
    return TrackedRun(
        id=session.identifier(run.info.run_id),
        experiment_id=session.identifier(run.info.experiment_id),
        status=run.info.status,
        started=run.info.start_time / 1000,
        params={key: value[:_PARAM_LIMIT] for key, value in run.data.params.items()},
        tags={key: value[:_TAG_LIMIT] for key, value in run.data.tags.items()},
        metrics=metrics,
    )


def _number(value: float) -> float:
    """MLflow's SQL store keeps an infinity as the largest number there is; no gate may take it for one."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else float(value)


def _batches(items: Mapping[str, str], limit: int) -> Iterator[list[tuple[str, str]]]:
    """Items in groups of bounded number and size; values of more than ``limit`` characters are cut."""
    batch: list[tuple[str, str]] = []
    size = 0
    for key, value in items.items():
        item = key, value[:limit]
        weight = len(json.dumps(item))
        if batch and (len(batch) == _BATCH_ITEMS or size + weight > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


def _dataset(given: DatasetInput) -> MlflowInput:
    """As MLflow records data; its digests have at most 36 characters, so ours is shortened."""
    from mlflow.entities import Dataset, InputTag  # noqa: PLC0415 - heavy
    from mlflow.entities import DatasetInput as MlflowInput  # noqa: PLC0415

    scheme = urlsplit(given.uri).scheme or "local"
    place = {"url": given.uri} if scheme in ("http", "https") else {"uri": given.uri}
    dataset = Dataset(
        name=given.name[:_DATASET_NAME_LIMIT],
        digest=given.digest.removeprefix("sha256:")[:_DATASET_DIGEST_LIMIT],
        source_type="http" if scheme == "https" else scheme,
        source=json.dumps(place),
    )
    return MlflowInput(dataset, [InputTag("mlflow.data.context", "training")])


def _milliseconds() -> int:
    return int(time.time() * 1000)
