"""What a candidate's pod is told to count, in one variable. Without the variable it asks nobody."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollmodel.errors import Invalid

__all__ = ["VARIABLE", "PairsConfig", "Rule", "configured"]

VARIABLE = "ROLLMODEL_PAIRS"
_MOST_RULES = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as a difference, by its name in the metrics.

    ``differs_by``: numbers further apart; ``threshold``: numbers on two sides of it; neither: any difference.
    ``mean_up_to``: instead the mean of differences counts, each up to this.
    ``slice_by``: a feature by whose values rows are counted; ``only``: a feature and the value that counts.
    """

    name: str
    differs_by: float | None = None
    threshold: float | None = None
    mean_up_to: float | None = None
    slice_by: str | None = None
    only: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PairsConfig:
    """Whom to ask: the pods that the name ``service`` resolves to, on ``port``, unless they are of this revision."""

    service: str
    port: int
    revision: str
    rules: tuple[Rule, ...]


def configured(env: Mapping[str, str] = os.environ) -> PairsConfig | None:
    """What the variable says. Raises Invalid (PairsInvalid) where it cannot be understood."""
    text = env.get(VARIABLE)
    if not text:
        return None
    try:
        content = json.loads(text)
        rules = tuple(_rule(one) for one in content["rules"][:_MOST_RULES])
        return PairsConfig(str(content["service"]), int(content["port"]), str(content["revision"]), rules)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid(f"{VARIABLE} cannot be understood: {error}", reason="PairsInvalid") from error


def _rule(content: Mapping[str, Any]) -> Rule:
    differs_by, threshold, slice_by = (content.get(name) for name in ("differsBy", "threshold", "sliceBy"))
    mean_up_to = content.get("meanUpTo")
    only = content.get("only")
    return Rule(
        str(content["name"]),
        differs_by=None if differs_by is None else float(differs_by),
        threshold=None if threshold is None else float(threshold),
        mean_up_to=None if mean_up_to is None else float(mean_up_to),
        slice_by=None if slice_by is None else str(slice_by),
        only=None if only is None else (str(only["feature"]), str(only["value"])),
    )
