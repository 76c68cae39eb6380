"""Ports of the pods of a revision."""

from __future__ import annotations

from rollmodel.plan.deployment.objects.pod.template import grpc_port_of
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.runtimes import PRESETS

__all__ = ["grpc_port", "http_port"]


def grpc_port(rollout: Rollout, revision: str) -> int | None:
    """Where the pods of a revision speak gRPC; None where HTTP is routed, or nobody knows."""
    traffic, known = rollout.spec.traffic, rollout.revision(revision)
    if traffic is None or traffic.protocol != "GRPC" or known is None:
        return None
    return grpc_port_of(known.template, PRESETS[rollout.spec.runtime.preset])


def http_port(revision: Revision) -> int:
    """Where the pods of a revision answer by HTTP."""
    ports = (port for container in revision.template["spec"]["containers"] for port in container.get("ports") or ())
    return next(int(port["containerPort"]) for port in ports if port.get("name") == "http")
