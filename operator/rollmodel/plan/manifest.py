"""A Kubernetes object, or a part of one, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Manifest"]

Manifest = Mapping[str, Any]
