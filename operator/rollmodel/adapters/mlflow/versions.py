"""Versions of registered models, as a training run makes and finds them. Each function is one call, in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollmodel.adapters.mlflow.connection.session import Session, exists_already, quoted
from rollmodel.adapters.mlflow.owners import check, made_for
from rollmodel.errors import NotFound
from rollmodel.plan.access.tenancy import OWNER_NAMESPACE
from rollmodel.plan.decision import CreateVersion
from rollmodel.plan.training.observed import TrackedVersion

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

__all__ = ["at", "create", "of", "owner_of"]

_PAGE = 100
_TAG_LIMIT = 8000


def of(session: Session, model: str, owner: str) -> TrackedVersion | None:
    """The lowest version whose tag ``rollmodel.dev/owner`` is ``owner``."""
    where = f"name = {quoted(model)} and tags.`rollmodel.dev/owner` = {quoted(owner)}"
    found = session.models.search_model_versions(where, max_results=1, order_by=["version_number ASC"])
    return _tracked(session, found[0]) if found else None


def at(session: Session, model: str, alias: str) -> TrackedVersion | None:
    """The version that an alias names. MLflow says 400 to an unknown alias, and 404 to an unknown model."""
    from mlflow.exceptions import RestException  # noqa: PLC0415 - heavy

    try:
        return _tracked(session, session.models.get_model_version_by_alias(model, alias))
    except RestException as error:
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise


def owner_of(session: Session, model: str) -> str | None:
    """The namespace for which this registered model was made; None where none says so, or there is no model."""
    found = _find_model(session, model)
    return None if found is None else made_for(found.tags)


def create(session: Session, write: CreateVersion, owner: str | None = None) -> str:
    """Create a version from what the run logged; its number. NotFound (``ModelNotLogged``) where it logged nothing."""
    from mlflow.entities.model_registry import ModelVersionTag  # noqa: PLC0415 - heavy

    source, model_id = _source(session, write)
    _make_model(session, write.model, owner)
    tags = [ModelVersionTag(key, value[:_TAG_LIMIT]) for key, value in write.tags.items()]
    made = session.models.create_model_version(write.model, source, write.run_id, tags, model_id=model_id)
    return _tracked(session, made).version


def _source(session: Session, write: CreateVersion) -> tuple[str, str | None]:
    """Address and id of the logged model, as MLflow 3 makes it, or the address of the run's artifacts, as before."""
    from mlflow.utils.uri import append_to_uri_path  # noqa: PLC0415 - heavy

    run = session.runs.get_run(write.run_id)
    logged = _logged(session, run.info.experiment_id, write)
    if logged is not None:
        model_id = session.identifier(logged.model_id)
        return f"models:/{model_id}", model_id
    path = write.artifact_path.strip("/")
    if f"{path}/MLmodel" not in session.files(write.run_id, path):
        raise NotFound(
            f"run {write.run_id} has not logged a model at {write.artifact_path!r}: log one with that name, or set"
            " `register.artifactPath`",
            reason="ModelNotLogged",
        )
    return append_to_uri_path(run.info.artifact_uri, path), None


def _logged(session: Session, experiment_id: str, write: CreateVersion) -> LoggedModel | None:
    """The newest complete model of this name that the run logged; a server older than MLflow 3 knows of none."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - heavy

    where = f"source_run_id = {quoted(write.run_id)} AND name = {quoted(write.artifact_path)}"
    newest_first = [{"field_name": "creation_timestamp", "ascending": False}]
    try:
        found = session.runs.search_logged_models([experiment_id], where, max_results=_PAGE, order_by=newest_first)
    except MlflowException as error:
        if error.get_http_status_code() != 404:
            raise
        return None
    return next((model for model in found if model.status == "READY"), None)


def _make_model(session: Session, name: str, owner: str | None) -> None:
    """See to it that there is a registered model of this name, which is not another namespace's."""
    from mlflow.entities.model_registry import RegisteredModelTag  # noqa: PLC0415 - heavy
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    found = _find_model(session, name)
    if found is None:
        tags = [RegisteredModelTag(OWNER_NAMESPACE, owner)] if owner is not None else []
        try:
            session.models.create_registered_model(name, tags)
        except MlflowException as error:
            if not exists_already(error):
                raise
            found = _find_model(session, name) if owner is not None else None
    if found is not None:
        check(f"model {name!r}", found.tags, owner)


def _find_model(session: Session, name: str) -> RegisteredModel | None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - heavy

    try:
        return session.models.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    return None


def _tracked(session: Session, found: ModelVersion) -> TrackedVersion:
    tags = {key: str(value)[:_TAG_LIMIT] for key, value in found.tags.items()}
    return TrackedVersion(found.name, session.identifier(found.version), found.run_id or None, tags)
