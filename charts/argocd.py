"""``config/argocd/argocd-cm.yaml``: what Argo CD has to know of our kinds, made from the Lua files beside it.

The files lie as Argo CD's own repository lays out the kinds that it knows by itself: ``health.lua``,
``actions/discovery.lua``, ``actions/NAME/action.lua``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

__all__ = ["customizations", "lua_files"]

_HEAD = """# Made from the Lua files beside it by `make manifests`. Do not edit.
# kubectl -n argocd patch configmap argocd-cm --patch-file config/argocd/argocd-cm.yaml
"""


class _Dumper(yaml.SafeDumper):
    """Scripts as blocks, so that people can read them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def customizations(repository: Path) -> Mapping[Path, str]:
    """File -> content."""
    folder = repository / "config" / "argocd"
    data = dict(_keys(folder))
    patch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "argocd-cm",
            "namespace": "argocd",
            "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
        },
        "data": data,
    }
    return {folder / "argocd-cm.yaml": _HEAD + _dump(patch)}


def lua_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """``group_Kind`` and its folder, for each kind."""
    for health in sorted(folder.glob("*/*/health.lua")):
        yield f"{health.parents[1].name}_{health.parent.name}", health.parent


def _keys(folder: Path) -> Iterator[tuple[str, str]]:
    for name, kind in lua_files(folder):
        yield f"resource.customizations.health.{name}", (kind / "health.lua").read_text(encoding="utf-8")
        if (discovery := kind / "actions" / "discovery.lua").exists():
            actions = {
                "discovery.lua": discovery.read_text(encoding="utf-8"),
                "definitions": [
                    {"name": action.parent.name, "action.lua": action.read_text(encoding="utf-8")}
                    for action in sorted(kind.glob("actions/*/action.lua"))
                ],
            }
            yield f"resource.customizations.actions.{name}", _dump(actions)


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)
