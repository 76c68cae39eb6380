"""Pods of a revision with an overlay."""

from __future__ import annotations

import json
from typing import Any

from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.naming import REVISION

from tests.support.simulation.rollouts import DEFAULTS, model, spec

Part = dict[str, Any]


def template(overlay: Part | None, **runtime: Any) -> Part:
    """The finished PodTemplateSpec of a revision with this overlay."""
    if overlay is not None:
        runtime["podTemplate"] = overlay
    return dict(revisions.wanted("churn", spec(runtime=runtime), model("7"), DEFAULTS).template)


def pod(runtime: Part | None = None, **fields: Any) -> Part:
    """The pod's spec with an overlay of these fields."""
    found: Part = template({"spec": fields}, **(runtime or {}))["spec"]
    return found


def named(parts: list[Part], name: str) -> Part:
    [found] = [one for one in parts if one["name"] == name]
    return found


def serving(**fields: Any) -> Part:
    """The container with the model, with this laid over it."""
    return named(pod(containers=[{"name": "model", **fields}])["containers"], "model")


PLAIN: Part = template(None)


MODEL = named(PLAIN["spec"]["containers"], "model")


def renamed(one: Part, like: Part) -> Part:
    """The same of another revision."""
    text = json.dumps(one).replace(one["metadata"]["labels"][REVISION], like["metadata"]["labels"][REVISION])
    return dict(json.loads(text))
