"""YAML files as data, read by libyaml: the CRDs are long, and take ten times as long without it."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["all_from_yaml", "from_yaml"]

#: The same as ``yaml.SafeLoader``, which stands in where PyYAML was built without libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def from_yaml(text: str) -> Any:
    """The only document of a text."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe one


def all_from_yaml(text: str) -> list[Any]:
    """All documents of a text, in its order."""
    return list(yaml.load_all(text, Loader=_LOADER))
