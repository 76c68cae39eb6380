"""A definition of InferencePool that takes what we write, and nothing else; the real one knows more.

Fields by https://gateway-api-inference-extension.sigs.k8s.io/reference/spec/ (v1).
"""

from __future__ import annotations

from typing import Any

__all__ = ["RIGHTS", "definition"]

#: What the chart adds to the operator's role with ``features.inferencePools``.
RIGHTS = {
    "apiGroups": ["inference.networking.k8s.io"],
    "resources": ["inferencepools"],
    "verbs": ["get", "list", "watch", "create", "patch", "delete"],
}

_PORT = {
    "type": "object",
    "required": ["number"],
    "properties": {"number": {"type": "integer", "minimum": 1, "maximum": 65535}},
}
_PICKER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "group": {"type": "string", "default": ""},
        "kind": {"type": "string", "default": "Service"},
        "name": {"type": "string"},
        "port": _PORT,
        "failureMode": {"type": "string", "enum": ["FailOpen", "FailClose"], "default": "FailClose"},
    },
    "x-kubernetes-validations": [{"rule": "self.kind != 'Service' || has(self.port)", "message": "port is required"}],
}
_SPEC = {
    "type": "object",
    "required": ["selector", "targetPorts", "endpointPickerRef"],
    "properties": {
        "selector": {
            "type": "object",
            "required": ["matchLabels"],
            "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}},
        },
        "targetPorts": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "items": _PORT,
            "x-kubernetes-list-type": "atomic",
        },
        "endpointPickerRef": _PICKER,
    },
}


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition."""
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": _SPEC}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    approved = {"api-approved.kubernetes.io": "unapproved, for tests"}  # the API server asks for it below k8s.io
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "inferencepools.inference.networking.k8s.io", "annotations": approved},
        "spec": {
            "group": "inference.networking.k8s.io",
            "scope": "Namespaced",
            "names": {"kind": "InferencePool", "plural": "inferencepools", "singular": "inferencepool"},
            "versions": [version],
        },
    }
