"""One object of ours against its CRD and the operator's own model of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS
from rollmodel.cli.lint.metadata import label_problems, with_metadata
from rollmodel.cli.lint.schema import Problem, problems

__all__ = ["KINDS_OF_OURS", "object_problems"]

KINDS_OF_OURS = {kind.kind: kind for kind in KINDS}


def object_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    """What the API server refuses, and then what the operator could not read."""
    kind = str(body.get("kind", ""))
    if body.get("apiVersion") != f"{GROUP}/{VERSION}":
        yield Problem(("apiVersion",), f"must be '{GROUP}/{VERSION}'")
        return
    if kind not in KINDS_OF_OURS:
        yield Problem(("kind",), f"must be one of {', '.join(sorted(KINDS_OF_OURS))}")
        return
    metadata = body.get("metadata")
    if metadata is None or (isinstance(metadata, dict) and not (metadata.get("name") or metadata.get("generateName"))):
        yield Problem(("metadata", "name"), "Required value")
    others = {key: value for key, value in body.items() if key != "status"}
    named = {"name": "generated", **(metadata or {})} if isinstance(metadata, dict | None) else metadata
    found = problems({**others, "metadata": named}, _schema(kind))
    if isinstance(named, dict) and not any(one.structural for one in found):
        found = [*found, *label_problems(named)]
    yield from found
    if not found:
        yield from _unreadable(kind, body.get("spec"))


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    """The schema that a user writes by: status is the operator's."""
    (version,) = custom_resource_definition(KINDS_OF_OURS[kind])["spec"]["versions"]
    root: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    written = {key: one for key, one in root["properties"].items() if key != "status"}
    return with_metadata({**root, "properties": written})


def _unreadable(kind: str, spec: Any) -> Iterator[Problem]:
    try:
        KINDS_OF_OURS[kind].spec.model_validate(spec or {})
    except ValidationError as error:
        for one in error.errors(include_url=False):
            yield Problem(("spec", *one["loc"]), one["msg"])
