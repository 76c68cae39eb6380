"""What tests ask of rendered objects."""

from __future__ import annotations

import copy

from tests.cluster.charts.conftest import Object

HELMS_OWN = {"app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/resource-policy"}


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def container(objects: list[Object]) -> Object:
    (deployment,) = of_kind(objects, "Deployment")
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def identity(one: Object) -> tuple[str, ...]:
    metadata = one["metadata"]
    return (one["apiVersion"], one["kind"], metadata.get("namespace", ""), metadata["name"])


def plain(one: Object) -> Object:
    """An object without what only a release has; a CRD has no other labels, in `crds/`."""
    one = copy.deepcopy(one)
    metadata = one["metadata"]
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in metadata.pop(part, {}).items() if key not in HELMS_OWN}
        if kept and one["kind"] != "CustomResourceDefinition":
            metadata[part] = kept
    return one


def groups(objects: list[Object], *kinds: str) -> set[str]:
    """The API groups in which the operator has any right."""
    roles = [
        one
        for one in of_kind(objects, *kinds)
        if not one["metadata"]["name"].endswith(("-view", "-edit", "-review", "-test"))
    ]
    return {group for role in roles for rule in role["rules"] for group in rule["apiGroups"]}
