"""The container that brings the model to its pod, from the registry, a store, a claim or a cache, and its volumes.

A model in an image is not brought: the kubelet mounts the image, which nobody can write to, and the container reads it
where it is and verifies it.
"""

from __future__ import annotations

from typing import Any

from rollmodel.api.modeldeployment import ModelCache, ModelDeploymentSpec
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.diff import quantity
from rollmodel.plan.pods.spec import RESTRICTED, claim_of, fetch_environment, fetch_resources, image_of, literal

__all__ = [
    "FETCH_CONTAINER",
    "MODEL",
    "MODELS",
    "fetch_container",
    "fetch_volumes",
    "model_mount",
    "written_volumes",
]

FETCH_CONTAINER = "fetch-model"

MODELS = "/mnt/models"
MODEL = f"{MODELS}/model"
_CLAIM = "/mnt/claim"
_CACHE = "/mnt/cache"
_CACHE_VOLUME = "model-cache"


def fetch_container(asked: ModelDeploymentSpec, model: PinnedModel, defaults: Defaults) -> dict[str, Any]:
    """The init container. Only the volumes of :func:`written_volumes` are written to by it."""
    limits = asked.runtime.resources.limits if asked.runtime.resources else None
    arguments = ["fetch", "--uri", literal(model.files or model.uri), "--digest", model.digest, "--dest", MODEL]
    own = model_mount(model) if image_of(model.uri) else {"name": "model", "mountPath": MODELS}
    mounts: list[dict[str, Any]] = [own, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    if claim_of(model.uri):
        arguments += ["--mounted", _CLAIM]
        mounts.append({"name": "claim", "mountPath": _CLAIM, "readOnly": True})
    if cache := asked.model.cache:
        arguments += _cache_arguments(cache)
        mounts.append({"name": _CACHE_VOLUME, "mountPath": _CACHE})
    return {
        "name": FETCH_CONTAINER,
        "image": defaults.operator_image,
        "command": ["rollmodel"],
        "args": arguments,
        "resources": fetch_resources(limits),
        "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
        **fetch_environment(
            model.uri, model.connection_secret, model.registry_url, defaults.registry_ca, defaults.registry_workspace
        ),
    }


def _cache_arguments(cache: ModelCache) -> list[str]:
    limit = quantity(cache.max_size) if cache.max_size is not None else None
    return [
        *("--cache", _CACHE),
        *(("--cache-max-bytes", str(int(limit))) if limit is not None else ()),
        *(("--cache-unused-days", str(cache.unused_days)) if cache.unused_days is not None else ()),
    ]


def fetch_volumes(asked: ModelDeploymentSpec, model: PinnedModel) -> list[dict[str, Any]]:
    """The pod's own copy, scratch space, and where the model comes from, as far as that is mounted."""
    image = image_of(model.uri)
    source = {"image": {"reference": image[0], "pullPolicy": "IfNotPresent"}} if image else {"emptyDir": {}}
    volumes: list[dict[str, Any]] = [{"name": "model", **source}, {"name": "tmp", "emptyDir": {}}]
    if claim := claim_of(model.uri):
        volumes.append({"name": "claim", "persistentVolumeClaim": {"claimName": claim[0], "readOnly": True}})
    if cache := asked.model.cache:
        volumes.append({"name": _CACHE_VOLUME, "persistentVolumeClaim": {"claimName": cache.claim_name}})
    return volumes


def model_mount(model: PinnedModel) -> dict[str, Any]:
    """How the server sees the model: in the folder ``MODEL``, read-only."""
    image = image_of(model.uri)
    if image is None:
        return {"name": "model", "mountPath": MODELS, "readOnly": True}
    path = {"subPath": image[1]} if image[1] else {}
    return {"name": "model", "mountPath": MODEL, "readOnly": True, **path}


def written_volumes(asked: ModelDeploymentSpec) -> tuple[str, ...]:
    """Volumes with files of the model: no other container of the pod writes to them."""
    return ("model", "claim", _CACHE_VOLUME) if asked.model.cache else ("model", "claim")
