"""Kinds whose schema is served but which this release does not act upon: they say so, once."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.api.base import ApiModel
from rollmodel.plan.decision import Decision
from rollmodel.ports import Clock, Manifest
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.stalled import Outcome, stalled

__all__ = ["not_implemented"]


class _Unread(ApiModel):
    """A spec or a status that nobody reads."""


def not_implemented(plural: str, clock: Clock, *, outcome: Outcome) -> Kind[_Unread, _Unread, Manifest]:
    """``Stalled=True, reason NotImplemented``, and the outcome is unknown."""

    async def gather(body: Manifest, spec: _Unread, status: _Unread, problems: Sequence[str]) -> Manifest:
        del spec, status, problems
        return body

    def decide(body: Manifest) -> Decision:
        message = f"this release of the operator does not act on {body['kind']} objects yet"
        return stalled(body, "NotImplemented", message, now=clock.now(), unknown=outcome)

    return Kind(plural=plural, spec=_Unread, status=_Unread, outcome=outcome, gather=gather, decide=decide)
