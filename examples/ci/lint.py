"""``python lint.py PATH...``: do the manifests say what Rollmodel's kinds can mean? No cluster is needed.

Unknown fields and values out of bounds are told with file and path. Rules that only the API server checks (CEL)
are not: `kubectl apply --dry-run=server` does that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rollmodel.api.base import GROUP
from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS

SPECS = {kind.kind: kind.spec for kind in KINDS}
SCHEMAS = {
    kind.kind: custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    for kind in KINDS
}


def complaints(path: Path) -> Iterator[str]:
    """What is wrong with the objects of one file that are ours."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        yield f"{path}: not YAML: {' '.join(str(error).split())}"
        return
    for document in documents:
        if isinstance(document, dict) and str(document.get("apiVersion", "")).startswith(f"{GROUP}/"):
            yield from (f"{path}: {line}" for line in _wrong(document))


def _wrong(document: dict[str, Any]) -> Iterator[str]:
    kind, name = document.get("kind"), (document.get("metadata") or {}).get("name")
    if kind not in SPECS:
        yield f"there is no kind {kind}; there are {', '.join(sorted(SPECS))}"
        return
    spec = document.get("spec") or {}
    yield from (f"{kind} {name}: {path}: there is no such field" for path in _unknown(spec, SCHEMAS[kind], "spec"))
    try:
        SPECS[kind].model_validate(spec)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            yield f"{kind} {name}: spec.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _unknown(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Paths of fields that the schema does not have. An API server drops them, which is never what somebody meant."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, schema.get("items", {}), f"{path}.{index}")
    elif isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            if key in schema["properties"]:
                yield from _unknown(item, schema["properties"][key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def main(arguments: Sequence[str]) -> int:
    """1 if anything is wrong."""
    files = [
        file for path in map(Path, arguments) for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])
    ]
    found = [line for file in files for line in complaints(file)]
    print("\n".join(found) or f"{len(files)} files, nothing wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
