"""A revision: everything that changes what users get, pinned and named by a hash.

The hash is taken over a versioned canonical JSON of what the *user* said plus the pinned model, not over the finished
pod template: a new release of the operator, with other default images or another template, gives no new revision. The
finished template is built once and kept in a ControllerRevision, from which Deployments are rebuilt for as long as
the revision lives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import ModelCache, ModelDeploymentSpec, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan import naming
from rollmodel.plan.canonical import canonical_json, hash_of
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.pod.template import pod_template
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.deployment.runtimes import PRESETS

__all__ = ["Revision", "content_hash", "from_deployment", "from_record", "record", "revision_id", "wanted"]

_FORMAT = 1

#: A whole number with a fraction, or so large that it has an exponent, in JSON without spaces.
_FRACTION = re.compile(r"[:\[,]-?[0-9]+(\.0[,\]}]|(\.[0-9]+)?e\+)")


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of what is served. ``template`` is a finished PodTemplateSpec."""

    id: str
    digest: str
    template: Mapping[str, Any]
    model_name: str | None = None
    model_version: str | None = None

    @property
    def label(self) -> str:
        """How people call it: ``v8``, or the revision where the model has no version number."""
        return f"v{self.model_version}" if self.model_version else self.id


def wanted(owner: str, spec: ModelDeploymentSpec, model: PinnedModel, defaults: Defaults) -> Revision:
    """The revision that the spec asks for. Raises Invalid where it cannot be served."""
    runtime = spec.runtime
    if runtime.image is None and not PRESETS[runtime.preset].own_image:
        raise Invalid(f"`runtime.image` must be set for the preset '{runtime.preset}'", reason="InvalidSpec")
    identity = revision_id(runtime, model, spec.model.cache)
    template = pod_template(owner, identity, spec, model, defaults)
    return Revision(identity, model.digest, template, model.name, model.version)


def revision_id(runtime: Runtime, model: PinnedModel, cache: ModelCache | None = None) -> str:
    """The name of a revision: a hash of its canonical JSON.

    Fields at their default do not take part, so that a field that is added to the API later changes no hash.
    """
    subject = {
        "format": _FORMAT,
        "model": {
            "uri": model.uri,
            "digest": model.digest,
            "name": model.name,
            "version": model.version,
            "connection": model.connection_secret,
        },
        "runtime": runtime.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        **({"cache": cache.model_dump(mode="json", by_alias=True, exclude_defaults=True)} if cache else {}),
    }
    return naming.short_hash(canonical_json(subject))


def record(owner: Owner, revision: Revision, sequence: int) -> dict[str, Any]:
    """The ControllerRevision that keeps a revision. ``sequence`` orders records by age."""
    model = {"name": revision.model_name, "version": revision.model_version, "digest": revision.digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata(owner, naming.child(owner.name, revision.id), revision=revision.id),
        "revision": sequence,
        "data": {
            "format": _FORMAT,
            "model": {key: value for key, value in model.items() if value is not None},
            "template": revision.template,
        },
    }


def content_hash(manifest: Mapping[str, Any]) -> str:
    """What a ControllerRevision says, as a hash. The API server spells whole numbers without a fraction."""
    text = canonical_json(manifest["data"])
    if _FRACTION.search(text):  # it may stand in a string, too: the slow way finds out
        text = canonical_json(_without_fractions(manifest["data"]))
    return hash_of(text)


def _without_fractions(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_fractions(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_fractions(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def from_record(manifest: Mapping[str, Any]) -> Revision:
    """The revision that a ControllerRevision keeps."""
    model, template = manifest["data"]["model"], manifest["data"]["template"]
    identity = manifest["metadata"]["labels"][naming.REVISION]
    return Revision(identity, model["digest"], template, model.get("name"), model.get("version"))


def from_deployment(manifest: Mapping[str, Any]) -> Revision:
    """The revision that a live Deployment runs: the second-best record, should the first have been deleted."""
    template = manifest["spec"]["template"]
    notes = template["metadata"].get("annotations", {})
    return Revision(
        manifest["metadata"]["labels"][naming.REVISION],
        notes.get(f"{GROUP}/model-digest", ""),
        template,
        manifest["metadata"].get("annotations", {}).get(f"{GROUP}/model"),
        notes.get(f"{GROUP}/model-version"),
    )
