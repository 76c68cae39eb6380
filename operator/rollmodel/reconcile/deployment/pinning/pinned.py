"""What a pinned model is, of a registered version and of files that a spec names by their digest."""

from __future__ import annotations

import re

from rollmodel.api.base import LocalRef
from rollmodel.api.fields.schemes import MODELS
from rollmodel.api.modeldeployment import ModelSource, RegistrySource
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.deployment.strategies.ends.outbox import is_verdict_tag
from rollmodel.plan.pods.spec import image_of
from rollmodel.ports.registry import Connection, ModelVersion

__all__ = ["pinned_files", "pinned_version", "registered"]

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>[1-9][0-9]*)")

#: Where a version may say that its files lie, if pods are to ask there: below MLflow's own proxy, or its logged models.
_FILES = re.compile(r"(mlflow-artifacts:|runs:/[0-9a-f]{32}|models:/m-[0-9a-f]+)(/[^/\s?#%]+)*")
_FILES_LIMIT = 1024

#: More of a tag is not read.
_TAG_LIMIT = 1000


def registered(source: ModelSource) -> RegistrySource | None:
    """The registered model that the source names, be it as ``registry`` or as ``uri: models:/<name>/<version>``."""
    if source.registry is not None:
        return source.registry
    named = _REGISTERED.fullmatch(source.uri or "")
    return RegistrySource(name=named["name"], version=named["version"]) if named and source.digest is None else None


def pinned_version(connection: Connection, secret: LocalRef | None, model: ModelVersion) -> PinnedModel:
    """This version of the registry behind ``connection``, whose login is in ``secret``; None: it is the operator's."""
    tags = {key: str(model.tags[key])[:_TAG_LIMIT] for key in sorted(filter(is_verdict_tag, model.tags))}
    return PinnedModel(
        uri=f"models:/{model.name}/{model.version}",
        digest=model.digest,
        name=model.name,
        version=model.version,
        connection_secret=secret.name if secret else None,
        registry_url=None if secret else connection.url,
        files=_files(model.source),
        size_bytes=model.size_bytes,
        tags=tags or None,
        note=model.note,
    )


def pinned_files(source: ModelSource) -> PinnedModel:
    """The files at ``uri``, whatever a registry says of them. Raises Invalid where it names none that are fixed."""
    if source.uri is None or source.digest is None:
        message = "`uri` needs `digest` beside it (`rollmodel digest PATH` prints it): files are verified before use"
        raise Invalid(message, reason="DigestMissing")
    if not source.uri.startswith(MODELS):
        message = f"`uri` must begin with one of {', '.join(MODELS)}: nothing else is read"
        raise Invalid(message, reason="Unsupported")
    if source.uri.startswith("oci://") and image_of(source.uri) is None:
        message = "`uri` must name the image by its digest (`oci://HOST/NAME@sha256:DIGEST`): behind a tag it moves"
        raise Invalid(message, reason="Unsupported")
    secret = source.connection_ref.name if source.connection_ref else None
    return PinnedModel(uri=source.uri, digest=source.digest, connection_secret=secret)


def _files(source: str) -> str | None:
    """The address of the files, where it is one of MLflow's own that names no version; None: by name and version.

    A version can be deleted and a model renamed while pods that serve it start again. The digest decides all the same.
    """
    found = source.rstrip("/")
    safe = len(found) <= _FILES_LIMIT and ".." not in found.split("/")
    return found if safe and _FILES.fullmatch(found) else None
