"""What MLflow still knows of a version whose TrainingJob is gone: the run, its data and its gates."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollmodel.adapters.mlflow.connection.client import translated
from rollmodel.api.base import GROUP
from rollmodel.cli.lineage.chain import Chain, Link
from rollmodel.errors import NotFound
from rollmodel.ports.registry import Connection

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["links_of_run", "with_registry"]

_GATE = f"{GROUP}/gate/"


def with_registry(chain: Chain, url: str) -> Chain:
    """With what MLflow says of a version that no TrainingJob of the cluster speaks of. Raises errors of ours."""
    if chain.has("run") or not chain.version.isdigit():
        return chain
    connection = Connection(url)
    try:
        with translated(connection):
            client = _client(url)
            version = client.get_model_version(chain.model, chain.version)
            run = client.get_run(version.run_id) if version.run_id else None
    except NotFound:
        return chain
    made = Link("version", chain.version, time=_time(version.creation_timestamp), why=f"source {version.source}")
    links = [*(links_of_run(run) if run is not None else ()), made]
    return replace(chain, links=(*links, *chain.links), run=version.run_id or chain.run)


def links_of_run(run: Any) -> Iterator[Link]:
    """Of a run as MLflow gives it: alarm, training, data, the run itself, gates."""
    tags: Mapping[str, str] = run.data.tags
    if policy := tags.get(f"{GROUP}/drift-policy"):
        episode, trigger, revision = (
            tags.get(f"{GROUP}/drift-{word}", "") for word in ("episode", "trigger", "revision")
        )
        began = tags.get(f"{GROUP}/data-until", "")
        yield Link("alarm", f"{policy}, episode {episode}", time=began, why=f"{trigger} of revision {revision}")
    if training := tags.get(f"{GROUP}/trainingjob"):
        image = tags.get(f"{GROUP}/image", "")
        yield Link("training", training, time=_time(run.info.start_time), why=f"image {image}" if image else "")
    since, until = (tags.get(f"{GROUP}/data-{word}") for word in ("since", "until"))
    if since or until:
        yield Link("data", "window", outcome=f"{since or 'the beginning'} to {until or ''}")
    for given in run.inputs.dataset_inputs if run.inputs is not None else ():
        yield Link("data", given.dataset.name, outcome=given.dataset.digest, why=given.dataset.source)
    code = tags.get(f"{GROUP}/git-commit") or tags.get("mlflow.source.git.commit")
    yield Link(
        "run",
        run.info.run_id,
        time=_time(run.info.end_time),
        outcome=run.info.status,
        why=f"code {code}" if code else "",
        by=tags.get("mlflow.user", ""),
    )
    for key, value in sorted(tags.items()):
        if key.startswith(_GATE):
            asked, _, verdict = value.rpartition(", ")
            yield Link("gate", key.removeprefix(_GATE).replace("/", " "), outcome=verdict, why=asked)


def _client(url: str) -> MlflowClient:
    from mlflow import MlflowClient  # noqa: PLC0415 - heavy

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    return MlflowClient(tracking_uri=url, registry_uri=url)


def _time(milliseconds: int | None) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if milliseconds else ""
