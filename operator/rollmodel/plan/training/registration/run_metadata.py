"""What the run and the version should say, and the difference to what the run says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.plan.canonical import canonical_hash
from rollmodel.plan.decision import CreateRun, CreateVersion, DatasetInput, LogRun
from rollmodel.plan.naming import short_hash
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.gates.evaluate import held
from rollmodel.plan.training.inputs.reproducibility import spec_hash
from rollmodel.plan.training.names import OWNER_TAG, RERUN_TAG, experiment
from rollmodel.plan.training.observed import TrackedRun

__all__ = ["RECORD_TAG", "new_run", "new_version", "record"]

RECORD_TAG = f"{GROUP}/record"

_LONGEST_KEY, _LONGEST_VALUE = 250, 500
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_.:/ -]")


def new_run(context: Context) -> CreateRun:
    """The run, with the tag by which it is found again."""
    observed = context.observed
    name = experiment(observed.namespace, observed.name, context.spec)
    return CreateRun(name, observed.name, {OWNER_TAG: observed.uid, f"{GROUP}/trainingjob": _whole_name(context)})


def new_version(context: Context, status: TrainingJobStatus, run_id: str) -> CreateVersion:
    """The version, with its lineage."""
    registration = context.spec.registration
    assert registration is not None  # noqa: S101 - whoever registers has asked before
    tags = {
        OWNER_TAG: context.observed.uid,
        f"{GROUP}/trainingjob": _whole_name(context),
        f"{GROUP}/run-id": run_id,
        **_reproducibility(status),
        **_gates_tag(status),
    }
    return CreateVersion(registration.model, run_id, registration.artifact_path, tags)


def record(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Log what is missing: all of it where the record is another or none, else single tags."""
    run, status = context.run, builder.status
    if run is None or status.run_id != run.id:
        return builder
    params, differing = _parameters(context, run)
    datasets = tuple(
        DatasetInput(entry.name, entry.digest or entry.version or "", entry.uri) for entry in status.inputs
    )
    tags = {**_tags(context, status), **differing, **dict(_gate_tags(status))}
    hash_ = canonical_hash([params, [[one.name, one.digest, one.uri] for one in datasets], _tags(context, status)])
    if run.tags.get(RECORD_TAG) != hash_:
        return builder.effect(LogRun(run.id, params, {**tags, RECORD_TAG: hash_}, datasets))
    missing = {key: value for key, value in tags.items() if run.tags.get(key) != value}
    return builder.effect(LogRun(run.id, tags=missing)) if missing else builder


def _parameters(context: Context, run: TrackedRun) -> tuple[dict[str, str], dict[str, str]]:
    """What becomes params, and what tags: MLflow never changes a param, and the code may have logged it first."""
    wanted = {parameter.name: parameter.value for parameter in context.spec.parameters or ()}
    differing = {name: value for name, value in wanted.items() if run.params.get(name, value) != value}
    params = {name: value for name, value in wanted.items() if name not in differing}
    return params, {_key(f"parameter/{name}"): value for name, value in differing.items()}


def _tags(context: Context, status: TrainingJobStatus) -> dict[str, str]:
    return {
        OWNER_TAG: context.observed.uid,
        f"{GROUP}/trainingjob": _whole_name(context),
        f"{GROUP}/spec-hash": spec_hash(context.spec),
        f"{GROUP}/image": _image(context, status),
        **({f"{GROUP}/seed": str(context.spec.seed)} if context.spec.seed is not None else {}),
        **_data_window(context),
        **context.observed.alarm,
        **_reproducibility(status),
    }


def _data_window(context: Context) -> dict[str, str]:
    """Which data it was to learn from, by time."""
    window = context.spec.data_window
    found = {} if window is None else {"since": window.since, "until": window.until}
    return {f"{GROUP}/data-{name}": moment for name, moment in found.items() if moment is not None}


def _image(context: Context, status: TrainingJobStatus) -> str:
    digest = status.reproducibility.image_digest if status.reproducibility else None
    name = context.spec.template.image
    return name if digest is None or "@" in name else f"{name}@{digest}"


def _reproducibility(status: TrainingJobStatus) -> dict[str, str]:
    facts = status.reproducibility
    if facts is None:
        return {}
    commit = {f"{GROUP}/git-commit": facts.git_commit} if facts.git_commit else {}
    return {RERUN_TAG: facts.hash, **commit}


def _gates_tag(status: TrainingJobStatus) -> dict[str, str]:
    return {f"{GROUP}/gates": "Passed" if held(status.gates) else "Failed"} if status.gates else {}


def _gate_tags(status: TrainingJobStatus) -> Iterator[tuple[str, str]]:
    yield from _gates_tag(status).items()
    for gate in status.gates:
        parts: list[Any] = [f"asked {gate.asked}" if gate.asked else None, f"seen {gate.seen}" if gate.seen else None]
        yield _key(f"gate/{gate.name}/{gate.check}"), ", ".join([*filter(None, parts), gate.verdict])[:_LONGEST_VALUE]
    if status.model_version is not None:
        yield f"{GROUP}/model-version", status.model_version


def _key(text: str) -> str:
    """A tag name as MLflow takes it: not every character, and not too long."""
    key = _NOT_IN_KEYS.sub("_", f"{GROUP}/{text}")
    return key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 9]}-{short_hash(text)}"


def _whole_name(context: Context) -> str:
    return f"{context.observed.namespace}/{context.observed.name}"
