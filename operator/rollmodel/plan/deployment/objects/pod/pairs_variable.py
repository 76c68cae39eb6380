"""The variable by which a model server learns what to count of pairs. Nothing without paired metrics."""

from __future__ import annotations

import json
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.signals.paired import LARGEST, rule_of
from rollmodel.plan.pods.spec import literal

__all__ = ["pairs_environment"]

VARIABLE = "ROLLMODEL_PAIRS"


def pairs_environment(asked: ModelDeploymentSpec, owner: str, revision: str, port: int) -> list[dict[str, Any]]:
    """The variable of a revision that is made while there are paired metrics; it is no part of the revision's name."""
    rules = {
        rule_of(metric.paired): {
            "name": rule_of(metric.paired),
            "differsBy": metric.paired.differs_by,
            "threshold": metric.paired.threshold,
            "meanUpTo": (metric.paired.largest_difference or LARGEST) if metric.paired.max_mean_difference else None,
            "sliceBy": metric.paired.slice_by,
            "only": None if metric.paired.only is None else metric.paired.only.to_wire(),
        }
        for metric in asked.analysis.metrics
        if metric.paired is not None
    }
    if not rules:
        return []
    content = {
        "service": naming.pairs(owner),
        "port": port,
        "revision": revision,
        "rules": [{key: value for key, value in rule.items() if value is not None} for rule in rules.values()],
    }
    return [{"name": VARIABLE, "value": literal(json.dumps(content))}]
