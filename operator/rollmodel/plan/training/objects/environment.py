"""The contract with the training container: its environment (the table of ADR 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollmodel.api.pods import EnvVar
from rollmodel.api.trainingjob import InputStatus, TrainingJobSpec
from rollmodel.plan import naming
from rollmodel.plan.pods.spec import connection, literal
from rollmodel.plan.training.inputs.pins import FOLDER, is_read, pinned
from rollmodel.plan.training.observed import Observed

__all__ = ["RENDEZVOUS_PORT", "environment", "parameters_json"]

#: torchrun's default, https://pytorch.org/docs/stable/elastic/run.html
RENDEZVOUS_PORT = 29500
_JAX_PORT = RENDEZVOUS_PORT + 1
_INDEX = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}

Variable = dict[str, Any]


def environment(
    observed: Observed, attempt: int, *, run_id: str, experiment_id: str, own: Sequence[EnvVar] | None
) -> list[Variable]:
    """All variables; one of the user's own gives way to ours of the same name."""
    variables = {variable.name: variable.to_wire() for variable in own or ()}
    spec, defaults = observed.spec, observed.defaults
    secret = spec.tracking.connection_ref.name if spec.tracking.connection_ref else None
    ours = [
        *connection(secret, defaults.registry_url, defaults.registry_ca, defaults.registry_workspace),
        _plain("MLFLOW_RUN_ID", run_id),
        _plain("MLFLOW_EXPERIMENT_ID", experiment_id),
        _plain("ROLLMODEL_PARAMETERS", parameters_json(spec)),
        *_data_window(spec),
        *_seed(spec),
        *_inputs(spec, observed.status.inputs),
        *_checkpoint(spec),
        *(_rendezvous(naming.job(observed.name, attempt), spec.nodes) if spec.nodes > 1 else ()),
    ]
    for variable in ours:
        variables.pop(variable["name"], None)  # a variable may refer to those before it, so ours come first
    return [*ours, *variables.values()]


def parameters_json(spec: TrainingJobSpec) -> str:
    """The parameters as the container gets them."""
    parameters = {parameter.name: parameter.value for parameter in spec.parameters or ()}
    return literal(json.dumps(parameters, sort_keys=True))


def _data_window(spec: TrainingJobSpec) -> Iterator[Variable]:
    window = spec.data_window
    if window is not None:
        if window.since is not None:
            yield _plain("ROLLMODEL_DATA_SINCE", literal(window.since))
        yield _plain("ROLLMODEL_DATA_UNTIL", literal(window.until))


def _seed(spec: TrainingJobSpec) -> Iterator[Variable]:
    if spec.seed is not None:
        yield _plain("ROLLMODEL_SEED", str(spec.seed))
        yield _plain("PYTHONHASHSEED", str(spec.seed))


def _inputs(spec: TrainingJobSpec, recorded: Sequence[InputStatus]) -> Iterator[Variable]:
    for source in spec.inputs or ():
        name = f"ROLLMODEL_INPUT_{source.name.upper().replace('-', '_')}"
        entry = pinned(source, recorded)
        if is_read(source):
            yield _plain(name, f"{FOLDER}/{source.name}")
        yield _plain(f"{name}_URI", literal(entry.uri))
        if version := entry.version or (None if is_read(source) else entry.digest):
            yield _plain(f"{name}_VERSION", version)


def _checkpoint(spec: TrainingJobSpec) -> Iterator[Variable]:
    checkpoint = spec.checkpoint
    if checkpoint is None:
        return
    if checkpoint.uri is not None:
        yield _plain("ROLLMODEL_CHECKPOINT_URI", literal(checkpoint.uri))
    else:
        yield _plain("ROLLMODEL_CHECKPOINT_DIR", checkpoint.mount_path)
    yield _plain("ROLLMODEL_RESUME", checkpoint.resume)


def _rendezvous(job: str, nodes: int) -> Iterator[Variable]:
    leader = f"{job}-0.{job}"
    for name in ("RANK", "NODE_RANK", "PET_NODE_RANK", "JAX_PROCESS_ID", "JOB_COMPLETION_INDEX"):
        yield {"name": name, "valueFrom": _INDEX}
    texts: Mapping[str, str] = {
        "WORLD_SIZE": str(nodes),
        "MASTER_ADDR": leader,
        "MASTER_PORT": str(RENDEZVOUS_PORT),
        "PET_NNODES": str(nodes),
        "PET_RDZV_ENDPOINT": f"{leader}:{RENDEZVOUS_PORT}",
        "JAX_COORDINATOR_ADDRESS": f"{leader}:{_JAX_PORT}",
        "JAX_NUM_PROCESSES": str(nodes),
    }
    yield from (_plain(name, value) for name, value in texts.items())


def _plain(name: str, value: str) -> Variable:
    return {"name": name, "value": value}
