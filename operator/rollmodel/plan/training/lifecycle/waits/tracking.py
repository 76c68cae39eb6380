"""How long a run has waited for the tracking server before somebody is told. It goes on waiting all the same."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.times import stamp
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context

__all__ = ["limit_wait"]


def limit_wait(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Note since when it waits, and tell a person after ``Timing.pending``. A server that refuses is told of at once.

    Most waits are over in the next pass: one is noted from the second pass on that says the same.
    """
    since = context.status.tracking_wait_start_time
    if not builder.awaits_tracking or not (since or _said_before(context, builder)):
        return builder.set(tracking_wait_start_time=None)
    builder = builder.set(tracking_wait_start_time=since or stamp(context.now))
    patience = context.timing.pending
    if since is None or builder.stalled is not None or context.seconds_since(since) < patience:
        return builder
    message = f"for {patience:.0f} s: {_said(builder)}; it goes on by itself once MLflow does ({_address(context)})"
    return replace(builder, stalled=ConditionDraft("True", "TrackingUnavailable", message))


def _said_before(context: Context, builder: DecisionBuilder) -> bool:
    doing, closing = (find(context.status.conditions, kind) for kind in ("Succeeded", "Reconciling"))
    if builder.open_run:
        return closing is not None and closing.message == builder.open_run
    return doing is not None and doing.reason == builder.doing.reason


def _said(builder: DecisionBuilder) -> str:
    if builder.open_run:
        return f"the run has ended, and is still open there: {builder.open_run}"
    if builder.doing.reason == "TrackingUnavailable":
        return builder.doing.message
    return f"{builder.doing.message}; the Event TrackingWriteFailed says why"


def _address(context: Context) -> str:
    """Where the address of the tracking server stands."""
    reference = context.spec.tracking.connection_ref
    return "ROLLMODEL_REGISTRY_URL" if reference is None else f"`url` of Secret {reference.name!r}"
