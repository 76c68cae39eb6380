"""The metadata of an object, as the API server reads it: a field that it does not know is a mistake, as in ``spec``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rollmodel.cli.lint.schema import Problem, Schema

__all__ = ["label_problems", "with_metadata"]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_YES_OR_NO: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}
_OWNER: Schema = {
    "type": "object",
    "required": ["apiVersion", "kind", "name", "uid"],
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _TEXT),
        "controller": _YES_OR_NO,
        "blockOwnerDeletion": _YES_OR_NO,
    },
}
#: ObjectMeta: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
_FIELDS: Mapping[str, Schema] = {
    **dict.fromkeys(("name", "generateName", "namespace"), _TEXT),
    **dict.fromkeys(("labels", "annotations"), _TEXTS),
    "finalizers": {"type": "array", "items": _TEXT},
    "ownerReferences": {"type": "array", "items": _OWNER},
    # What the server writes; it stands in manifests that were read from a cluster.
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp", "resourceVersion", "selfLink", "uid"), _TEXT),
    **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), _NUMBER),
    "managedFields": _ANYTHING,
}

_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KEY = re.compile(rf"(?P<prefix>{_PREFIX}/)?{_NAME}")
_VALUE = re.compile(rf"({_NAME})?")
_MOST_OF_PREFIX = 253
_FORM = "letters, digits, '-', '_' or '.', at most 63, and begin and end with a letter or digit"


def with_metadata(schema: Schema) -> Schema:
    """The schema of a CRD, which says only what is particular about metadata, with the rest of it."""
    metadata = schema["properties"].get("metadata", {"type": "object"})
    whole = {**metadata, "properties": {**_FIELDS, **metadata.get("properties", {})}}
    return {**schema, "properties": {**schema["properties"], "metadata": whole}}


def label_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """Labels and names of annotations that are refused; types are right already."""
    for field in ("labels", "annotations"):
        for key, value in (metadata.get(field) or {}).items():
            found = _KEY.fullmatch(str(key))
            if found is None or len(found["prefix"] or "") > _MOST_OF_PREFIX + 1:
                message = f"name part must consist of {_FORM}, after a DNS name and '/' if wanted"
                yield Problem(("metadata", field), f'Invalid value: "{key}": {message}')
            if field == "labels" and value is not None and not _VALUE.fullmatch(value):
                message = f"a valid label must be empty or consist of {_FORM}"
                yield Problem(("metadata", field), f'Invalid value: "{value}": {message}')
