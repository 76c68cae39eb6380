"""How much is asked for at once: an answer holds points for pods x series x ticks, and 1,000 pods are many.

The past gets shorter first, down to what noise is learnt from; then it is that of some of the pods only. Which ones is
chance: the last character of a pod's name. Noise that belongs to pods is seen as well in some of them as in all.
"""

from __future__ import annotations

import math

from rollmodel.evidence.noise.noise import LEAST_SECONDS

__all__ = ["history_ticks", "look_back_ticks", "most_windows", "pods_matcher", "pods_part"]

#: The most points of an answer: 9 MiB of JSON, and a quarter of the bytes that are read at most.
MOST_POINTS = 400_000

_HISTORY_SECONDS, _HISTORY_TICKS = 3 * 3600, 1080
#: Windows may be cut off at both ends of the past: samples that are late, and longer windows.
_SHORTEST_HISTORY = LEAST_SECONDS + 300.0
_MOST_WINDOWS = 30
#: What Kubernetes ends the names of pods with.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def history_ticks(series: int, step: float) -> int:
    """How many ticks of the past are asked for, of this many series."""
    most = min(_HISTORY_TICKS, _HISTORY_SECONDS // int(step))
    return max(min(most, MOST_POINTS // max(1, series)), _least_ticks(step, most))


def pods_matcher(pods: int, series_per_pod: int, step: float) -> str | None:
    """A PromQL matcher for as many pods as the shortest past may be of; None where that is all of them."""
    most = min(_HISTORY_TICKS, _HISTORY_SECONDS // int(step))
    part = MOST_POINTS / max(1, pods * series_per_pod * _least_ticks(step, most))
    if part >= 1:
        return None
    endings = math.floor(part * len(_ALPHABET))
    if endings:
        return f'pod=~".+[{_ALPHABET[:endings]}]"'
    endings = max(1, math.floor(part * len(_ALPHABET) ** 2))
    return f'pod=~".+[{_ALPHABET[:endings]}]{_ALPHABET[0]}"'


def pods_part(matcher: str | None) -> float:
    """The share of all pods that such a matcher takes, if every ending is as frequent."""
    if matcher is None:
        return 1.0
    some, last = matcher.removeprefix('pod=~".+[').removesuffix(']"').partition("]")[::2]
    return len(some) / len(_ALPHABET) ** (2 if last else 1)


def most_windows(series: int) -> int:
    """How many windows are made up for at once after a break."""
    return max(1, min(_MOST_WINDOWS, MOST_POINTS // max(1, series) - 1))


def look_back_ticks(series: int, wanted: float) -> int:
    """How many ticks before the first window may be asked for too."""
    return max(0, min(math.floor(wanted), MOST_POINTS // max(1, series) - _MOST_WINDOWS))


def _least_ticks(step: float, most: int) -> int:
    return min(most, math.ceil(_SHORTEST_HISTORY / step))
