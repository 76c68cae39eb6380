"""What objects of these files say about each other: names twice, addresses and aliases of two, references to nothing.

Files rarely hold all that is in a cluster. So a reference to an object of ours that is not here is a warning; one to a
Secret, a Gateway or another object of others only where the files have objects of that kind, but not this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.lint.documents import Document
from rollmodel.cli.lint.findings import Finding, Level, Path, written
from rollmodel.cli.lint.objects import KINDS_OF_OURS
from rollmodel.reconcile.deployment.addresses import Addresses

__all__ = ["across"]

#: Fields whose value is a reference, by name: the kind, and the key of the name.
_REFERENCES = {
    "modelDeploymentRef": ("ModelDeployment", "name"),
    "trainingJobRef": ("TrainingJob", "name"),
    "connectionRef": ("Secret", "name"),
    "webhookRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "imagePullSecrets": ("Secret", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "parentRefs": ("Gateway", "name"),
    "serviceAccountName": ("ServiceAccount", ""),
    "claimName": ("PersistentVolumeClaim", ""),
}
_DEFAULT = "default"


def across(documents: Sequence[Document], sound: Sequence[Document]) -> Iterator[Finding]:
    """What is said about several objects; ``sound``: those of ours that can be read."""
    yield from _doubled_names(documents)
    yield from _shared_addresses(sound)
    yield from _shared_aliases(sound)
    for document in sound:
        yield from _dangling(document, documents)


def _doubled_names(documents: Sequence[Document]) -> Iterator[Finding]:
    """In one file; several files may be alternatives."""
    seen: dict[tuple[str, str, str, str], Document] = {}
    for document in (one for one in documents if one.ours and "name" in (one.body.get("metadata") or {})):
        key = (document.file, document.kind, document.namespace, document.name)
        if key in seen:
            place = seen[key].place(("metadata", "name"))
            yield finding("error", document, ("metadata", "name"), f"the same object is in {place}: the later one wins")
        seen.setdefault(key, document)


def _shared_addresses(sound: Sequence[Document]) -> Iterator[Finding]:
    addresses = Addresses(lambda _: None)
    for number, document in enumerate(_deployments(sound)):
        metadata = {
            "uid": str(number),
            "namespace": document.namespace or _DEFAULT,
            "name": document.name,
            "creationTimestamp": f"{number:06}",
        }
        taken = addresses.claim({"metadata": metadata}, _spec(document), ())
        if taken is not None:
            message = f"{taken.address} is also that of {taken.owner}: only the older route gets requests"
            yield finding("error", document, ("spec", "traffic"), message)


def _shared_aliases(sound: Sequence[Document]) -> Iterator[Finding]:
    moved: dict[tuple[str, str], Document] = {}
    for document in _deployments(sound):
        registry = _spec(document).model.registry
        if registry is None or registry.champion_alias is None:
            continue
        first = moved.setdefault((registry.name, registry.champion_alias), document)
        if first is not document:
            path: Path = ("spec", "model", "registry", "championAlias")
            message = (
                f"ModelDeployment {first.name} moves alias '{registry.champion_alias}' of '{registry.name}' too:"
                " each promotion of one overwrites the other's; give each an alias of its own"
            )
            yield finding("warning", document, path, message)


def _deployments(sound: Sequence[Document]) -> Iterator[Document]:
    return (one for one in sound if one.kind == "ModelDeployment")


def _spec(document: Document) -> ModelDeploymentSpec:
    return ModelDeploymentSpec.model_validate(document.body["spec"])


def _dangling(document: Document, documents: Sequence[Document]) -> Iterator[Finding]:
    for path, kind, name, namespace in _references(document.body.get("spec"), ("spec",), document.namespace):
        there = {one.name for one in documents if (one.kind, one.namespace) == (kind, namespace)}
        if name in there or not (there or kind in KINDS_OF_OURS):
            continue
        others = f"; there is {', '.join(sorted(there))}" if there else ""
        yield finding("warning", document, path, f"{kind} {name!r} is not in these files{others}")


def _references(value: object, path: Path, namespace: str) -> Iterator[tuple[Path, str, str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index), namespace)
    if not isinstance(value, dict):
        return
    for key, below in value.items():
        kind, name = _REFERENCES.get(key, ("", ""))
        for index, one in enumerate(below if isinstance(below, list) else [below]):
            found = one.get(name) if isinstance(one, dict) else one if not name else None
            if kind and isinstance(found, str):
                place = one.get("namespace", namespace) if isinstance(one, dict) else namespace
                yield ((*path, key, index) if isinstance(below, list) else (*path, key)), kind, found, str(place)
        yield from _references(below, (*path, key), namespace)


def finding(level: Level, document: Document, path: Path, message: str) -> Finding:
    """About a field of an object."""
    about = f"{document.kind or 'object'} {document.name}"
    return Finding(level, document.place(path), about, written(path), message)
