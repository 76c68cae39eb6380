"""InferenceService of KServe (v1beta1) and SeldonDeployment (v1): model, server, replicas, share of a canary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.fields.schemes import MODELS
from rollmodel.cli.translate.draft import Draft
from rollmodel.cli.translate.pods import container, environment, pod
from rollmodel.cli.translate.steps import growing
from rollmodel.plan.pods.spec import image_of

__all__ = ["inference_service", "seldon_deployment"]

Others = Sequence[Mapping[str, Any]]

#: Format of the model, or Seldon's server -> our preset.
_PRESETS = {
    "mlflow": "MLflow",
    "sklearn": "MLServer",
    "xgboost": "MLServer",
    "lightgbm": "MLServer",
    "triton": "Triton",
    "tensorrt": "Triton",
    "onnx": "Triton",
    "tensorflow": "Triton",
    "pytorch": "Triton",
    "huggingface": "VLLM",
    "vllm": "VLLM",
}
NO_DIGEST = f"sha256:{'0' * 64}"
NO_IMAGE = "registry.example.com/model-server:version"
_PREDICTOR = ("spec", "predictor")


def inference_service(draft: Draft, _: Others) -> None:
    """Fill the draft."""
    source = draft.source
    draft.move((*_PREDICTOR, "minReplicas"), "scale", "replicas")
    for part in ("maxReplicas", "scaleTarget", "scaleMetric", "containerConcurrency", "autoScaling"):
        draft.missing(
            (*_PREDICTOR, part), "a HorizontalPodAutoscaler on the ModelDeployment: docs/concepts/autoscaling.md"
        )
    canary = source.take(*_PREDICTOR, "canaryTrafficPercent")
    draft.put(growing([canary]) if isinstance(canary, int) else None, "rollout", "steps")
    key = next((key for key in ("model", *_PRESETS) if source.look(*_PREDICTOR, key) is not None), None)
    if key is None:
        _own_container(draft)
    else:
        _predictor(draft, (*_PREDICTOR, key), source.take(*_PREDICTOR, key, "modelFormat", "name") or key)
    for name in ("serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName"):
        draft.move((*_PREDICTOR, name), "runtime", name)
    draft.move((*_PREDICTOR, "affinity"), "runtime", "podTemplate", "spec", "affinity")
    timeout = source.look(*_PREDICTOR, "timeout")
    if timeout is not None:
        draft.missing((*_PREDICTOR, "timeout"), "`traffic.requestTimeoutSeconds`, with a Gateway")
    draft.missing(("spec", "transformer"), "put it into the model, or beside it as a sidecar (`runtime.podTemplate`)")
    draft.missing(("spec", "explainer"), "there are no explainers")
    draft.todo("spec.traffic", "name the Gateway in `parentRefs`; without it traffic is split by the ratio of pods")


def _own_container(draft: Draft) -> None:
    pod_path = ("spec", "predictor", "containers")
    if draft.source.look(*pod_path):
        container(draft, (*pod_path, 0))
    _model(draft, None, "spec.predictor")


def _predictor(draft: Draft, path: Sequence[str | int], form: str) -> None:
    _server(draft, form.lower(), draft.source.take(*path, "image"))
    draft.missing((*path, "runtime"), "write its image and arguments into `runtime`")
    draft.missing((*path, "modelFormat"), "the version of the format is that of the server's image")
    draft.kept((*path, "protocolVersion"), "that of the server")
    draft.kept((*path, "name"), "the container is called `model`")
    for part in ("args", "command", "resources"):
        draft.move((*path, part), "runtime", part)
    environment(draft, (*path, "env"))
    uri = draft.source.take(*path, "storageUri")
    if uri is None:
        draft.missing(
            (*path, "storage"), "the address of the files: `model.uri`, with a login in `model.connectionRef`"
        )
    _model(draft, uri, "storageUri")


def seldon_deployment(draft: Draft, _: Others) -> None:
    """Fill the draft."""
    predictors = draft.source.look("spec", "predictors") or []
    if not predictors:
        draft.todo("spec.model", "there is no predictor")
        _model(draft, None, "predictors")
        return
    main = max(range(len(predictors)), key=lambda index: predictors[index].get("traffic") or 0)
    path: tuple[str | int, ...] = ("spec", "predictors", main)
    replicas = draft.source.take(*path, "replicas") or draft.source.look("spec", "replicas")
    draft.put(replicas, "scale", "replicas")
    draft.source.take("spec", "replicas")
    for part in ("name", "traffic"):
        draft.source.take(*path, part)
    _others(draft, predictors, main)
    _graph(draft, path)
    draft.kept(("spec", "protocol"), "that of the server")
    draft.kept(("spec", "name"), "the name of the object")
    draft.todo("spec.traffic", "name the Gateway in `parentRefs`; without it traffic is split by the ratio of pods")


def _others(draft: Draft, predictors: Sequence[Mapping[str, Any]], main: int) -> None:
    """Predictors that get a part of the traffic, or copies."""
    for index, one in enumerate(predictors):
        if index == main:
            continue
        if one.get("shadow"):
            draft.todo(
                "spec.rollout", "a shadow became a canary; with a Gateway `strategy: Shadow` copies requests first"
            )
        elif one.get("traffic"):
            draft.put(growing([one["traffic"]]), "rollout", "steps")
        draft.missing(("spec", "predictors", index), "the other version is tried when the registry's alias moves to it")


def _graph(draft: Draft, path: Sequence[str | int]) -> None:
    source = draft.source
    server = str(source.take(*path, "graph", "implementation") or "").removesuffix("_SERVER").lower()
    for part in ("name", "type"):
        source.take(*path, "graph", part)
    draft.missing((*path, "graph", "children"), "one model for each ModelDeployment: no graphs")
    draft.missing((*path, "graph", "parameters"), "environment or arguments of the server in `runtime`")
    draft.move((*path, "graph", "serviceAccountName"), "runtime", "serviceAccountName")
    draft.missing((*path, "graph", "envSecretRefName"), "a Secret with the login: `model.connectionRef`")
    for part in ("endpoint", "logger"):
        draft.missing((*path, "graph", part), "has no counterpart")
    if source.look(*path, "componentSpecs", 0, "spec"):
        pod(draft, (*path, "componentSpecs", 0), name=source.look(*path, "graph", "name"))
    if server:
        _server(draft, server, draft.spec.get("runtime", {}).get("image"))
    draft.missing((*path, "componentSpecs", 0, "hpaSpec"), "a HorizontalPodAutoscaler on the ModelDeployment")
    draft.missing((*path, "explainer"), "there are no explainers")
    _model(draft, source.take(*path, "graph", "modelUri"), "modelUri")


def _server(draft: Draft, form: str, image: str | None) -> None:
    preset = _PRESETS.get(form, "Custom")
    draft.spec.setdefault("runtime", {})["preset"] = preset
    if preset == "MLflow" and image is None:
        return
    draft.put(image or NO_IMAGE, "runtime", "image")
    if image is None:
        draft.todo(
            "spec.runtime.image",
            f"the image of {preset} for {form}, by digest; `preset: KServe` is for KServe's own servers",
        )


def _in_image(uri: str) -> str:
    """The address of a modelcar: KServe finds the model in the folder ``models`` of such an image."""
    return f"{uri}/models" if "@" in uri else f"{uri}@{NO_DIGEST}/models"


def _model(draft: Draft, uri: str | None, field: str) -> None:
    """Where the model comes from; a placeholder for what is not known."""
    if uri and uri.startswith("oci://"):
        uri = _in_image(uri)
    if uri and uri.startswith(MODELS) and (image_of(uri) or not uri.startswith("oci://")):
        draft.put(uri, "model", "uri")
        if f"@{NO_DIGEST}" in uri:
            draft.todo("spec.model.uri", "the digest of the image: behind a tag it moves")
        if not uri.startswith("models:/"):
            draft.put(NO_DIGEST, "model", "digest")
            draft.todo("spec.model.digest", "`rollmodel digest PATH` prints that of the files")
        return
    draft.put({"name": draft.name, "alias": "challenger"}, "model", "registry")
    known = f"{field} {uri} is at a place that is not read: " if uri else ""
    draft.todo("spec.model", f"{known}the name of a registered model and the alias to follow are guessed")
