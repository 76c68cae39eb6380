"""Which changes of a status can wait for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["only_installing", "only_progress"]

#: What changes with every pod that starts: counts, and the sentences that hold them.
_PROGRESS = {"replicas", "readyReplicas", "message"}


def only_progress(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two statuses differ in counts of pods and sentences alone: in no reason, verdict, step or weight."""
    return _alike(before, after)


def only_installing(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two statuses of a first revision differ, beyond that, in its share of traffic alone.

    It gets all of it before it is ready; nobody is served by that, and the next status says what came of it.
    """
    if before.get("stable") or after.get("stable") or not before.get("candidate") or not after.get("candidate"):
        return False
    return only_progress(_without_traffic(before), _without_traffic(after))


def _without_traffic(status: Mapping[str, Any]) -> dict[str, Any]:
    """A gateway that refuses is no such thing, and stays."""
    arm = {key: value for key, value in status["candidate"].items() if key not in ("weight", "weightSince")}
    conditions = [
        one for one in status.get("conditions", ()) if one["type"] != "TrafficProgrammed" or one["status"] == "False"
    ]
    return {**status, "candidate": arm, "conditions": conditions}


def _alike(before: Any, after: Any) -> bool:
    """Whether two values are the same but for progress."""
    if before == after:  # most parts are, and comparing them is cheap
        return True
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() - _PROGRESS == after.keys() - _PROGRESS and all(
            _alike(value, after[key]) for key, value in before.items() if key not in _PROGRESS
        )
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_alike, before, after))
    return False
