"""The CRDs as templates of the chart, behind ``crds.enabled``.

Helm installs a folder ``crds/`` once, and never upgrades it; templates are upgraded with the release.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["crd_templates"]

_HEAD = "{{- if .Values.crds.enabled }}\n# Generated from crds/%s by `make manifests`. Do not edit.\n"
_METADATA = """metadata:
  labels:
    {{- include "rollmodel.labels" . | nindent 4 }}
  {{- if or .Values.crds.keep .Values.crds.annotations }}
  annotations:
    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
    {{- with .Values.crds.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
"""
_END = "{{- end }}\n"
#: What Helm would take for a template of its own.
_BRACES = '{{ "{{" }}'


def crd_templates(repository: Path) -> Mapping[Path, str]:
    """File of the chart -> content, for each file in ``crds/``. Raises ValueError where there is no room."""
    return {
        repository / "charts" / "rollmodel" / "templates" / f"crd-{path.name}": _template(path)
        for path in sorted((repository / "crds").glob("*.yaml"))
    }


def _template(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    body = "".join(line for line in lines if not line.startswith("#")).replace("{{", _BRACES)
    before, metadata, after = body.partition("metadata:\n")
    if not metadata or after.startswith(("  annotations:", "  labels:")):
        raise ValueError(f"{path.name}: expected metadata without labels and annotations")
    return _HEAD % path.name + before + _METADATA + after + _END
