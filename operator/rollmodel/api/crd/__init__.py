"""The exporter of ``crds/``: from the pydantic models to what an API server takes."""

from __future__ import annotations

from rollmodel.api.crd.command import check, main, write
from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS, Kind

__all__ = ["KINDS", "Kind", "check", "custom_resource_definition", "main", "write"]
