"""What tests of pairs share: a rule, what a candidate's pod is told, and how its counters are read."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from rollmodel.serving.pairs.config import PairsConfig, Rule

CLASSES = Rule("differs")
CONFIG = PairsConfig("churn-pairs", 8080, "new", (CLASSES,))


def counted(registry: CollectorRegistry, name: str) -> list[tuple[Mapping[str, str], float]]:
    samples = [sample for family in registry.collect() for sample in family.samples]
    return [(sample.labels, sample.value) for sample in samples if sample.name == f"rollmodel_server_{name}_total"]
