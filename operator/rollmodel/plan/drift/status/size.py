"""Status stays small: etcd and each watcher carry it at each look. What is left out is in metrics, or of the past."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rollmodel.api.driftpolicy import DriftPolicyStatus, RetrainStatus, SignalStatus

__all__ = ["LARGEST_BYTES", "bounded"]

#: As JSON, without messages that wait for a webhook.
LARGEST_BYTES = 10_000
#: So many signals and trainings keep all of their fields.
_WHOLE_SIGNALS, _WHOLE_RETRAINS = 5, 3
_SHORT = 160
_NUMBERS = ("samples", "psi", "corrected_psi", "log10_p", "dispersion", "min_detectable_psi", "message")
_OF_THE_LAST = ("revision", "model", "promoted_revision", "data_since", "labelled_rows", "message")
_MOVING = {"Suspected", "Drifted"}


def bounded(status: DriftPolicyStatus) -> DriftPolicyStatus:
    """The same, or as much of it as has room. What decisions rest on goes last."""
    if _size(status) <= LARGEST_BYTES:
        return status
    for smaller in _smaller(status):
        status = smaller
        if _size(status) <= LARGEST_BYTES:
            break
    return status


def _size(status: DriftPolicyStatus) -> int:
    wire = status.to_wire()
    wire.pop("notifications", None)
    return len(json.dumps(wire, ensure_ascii=False).encode())


def _smaller(status: DriftPolicyStatus) -> Iterator[DriftPolicyStatus]:
    """Smaller and smaller."""

    def change(**fields: Any) -> DriftPolicyStatus:
        nonlocal status
        status = status.model_copy(update=fields)
        return status

    yield change(retrains=[_plain_retrain(i, one) for i, one in enumerate(status.retrains)])
    yield change(signals=[one for one in status.signals if one.verdict in _MOVING])
    yield change(signals=[_plain_signal(index, one) for index, one in enumerate(status.signals)])
    short = [one.model_copy(update={"message": _cut(one.message)}) for one in status.conditions]
    yield change(conditions=short)
    for signals, retrains in ((20, 10), (15, 10), (10, 10), (5, 10), (5, 5), (3, 5), (3, 3)):
        yield change(signals=_first(status.signals, signals), retrains=_first(status.retrains, retrains))


def _plain_signal(index: int, one: SignalStatus) -> SignalStatus:
    return one if index < _WHOLE_SIGNALS else one.model_copy(update=dict.fromkeys(_NUMBERS))


def _plain_retrain(index: int, one: RetrainStatus) -> RetrainStatus:
    less = dict.fromkeys(_OF_THE_LAST) | {"trigger": _cut(one.trigger, 40)}
    return one if index < _WHOLE_RETRAINS else one.model_copy(update=less)


def _first(entries: Sequence[Any], count: int) -> list[Any]:
    return list(entries[:count])


def _cut(text: str, longest: int = _SHORT) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
