"""The cluster under test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """The cluster and its parts, as this machine reaches them."""

    kubectl: Path
    kubeconfig: str
    mlflow_url: str
    prometheus_url: str
    gateway_url: str
