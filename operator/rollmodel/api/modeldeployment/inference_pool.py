"""Requests to a pod that an endpoint picker chooses: what is needed for an InferencePool of each revision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, SubdomainName
from rollmodel.api.pods import Arguments, ImageReference, ResourceRequirements
from rollmodel.api.schema import Rule

__all__ = ["EndpointPicker", "InferencePool"]

_Port = Annotated[int, Field(ge=1, le=65535)]


class EndpointPicker(ApiModel):
    """The server that a Gateway asks which pod of a pool gets a request. One runs for each revision."""

    rules = (Rule("self.port != self.healthPort", "must have different ports as `port` and `healthPort`"),)

    image: ImageReference
    """Its image, with a user that is not root."""
    args: Arguments | None = None
    """Its arguments. `$(POOL_NAME)` and `$(POOL_NAMESPACE)` are the pool that it serves. Default: those of the picker
    of the Gateway API Inference Extension."""
    port: _Port = 9002
    """Where Gateways ask it (Envoy's `ext_proc`)."""
    health_port: _Port = 9003
    """Where it says whether it can choose (`grpc.health.v1`)."""
    replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """Its pods."""
    resources: ResourceRequirements | None = None
    """CPU and memory of one of its pods."""
    service_account_name: SubdomainName
    """Service account of its pods, of the namespace. You give it the rights that a picker needs: to watch pods and
    InferencePools. The operator hands on none."""
    failure_mode: Literal["FailOpen", "FailClose"] = "FailOpen"
    """What a Gateway does while the picker does not answer: `FailOpen` lets it choose a pod by itself, `FailClose`
    refuses requests."""


class InferencePool(ApiModel):
    """An InferencePool of each revision as backend of the route; within it an endpoint picker chooses the pod."""

    endpoint_picker: EndpointPicker
    """Who chooses."""
