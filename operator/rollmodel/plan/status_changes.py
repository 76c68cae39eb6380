"""Which changes of a status can wait for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["only_progress"]

#: What changes with every pod that starts: counts, and the sentences that hold them.
_PROGRESS = {"replicas", "readyReplicas", "message"}


def only_progress(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two statuses differ in counts of pods and sentences alone: in no reason, verdict, step or weight."""
    return bool(_essence(before) == _essence(after))


def _essence(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _essence(part) for key, part in value.items() if key not in _PROGRESS}
    return [_essence(part) for part in value] if isinstance(value, list | tuple) else value
