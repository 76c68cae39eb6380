"""Which operators of a cluster work in the same namespaces."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.operators.deployments import InstalledOperator
from rollmodel.plan.operators.sharding import LABEL


def operator(**fields: Any) -> InstalledOperator:
    return InstalledOperator("system", "one", **fields)


def of(*names: str) -> InstalledOperator:
    return operator(namespaces=frozenset(names))


def test_it_is_read_from_its_deployment() -> None:
    env = [
        {"name": "ROLLMODEL_NAMESPACES", "value": "a, b"},
        {"name": "ROLLMODEL_REGISTRY_TOKEN", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
        {"name": "ROLLMODEL_LEASE_NAME", "value": "one"},
    ]
    deployment = {
        "metadata": {"namespace": "system", "name": "one"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "operator", "env": env}]}}},
    }
    assert InstalledOperator.of(deployment) == operator(replicas=2, namespaces=frozenset({"a", "b"}), lease="one")
    assert InstalledOperator.of({"metadata": deployment["metadata"]}) == operator()


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (operator(), operator(), True),
        (operator(), operator(replicas=0), False),
        (operator(), of("a"), True),
        (of("a", "b"), of("b"), True),
        (of("a"), of("b"), False),
        (operator(shard="a"), operator(shard="a"), True),
        (operator(shard="a"), operator(shard="default"), False),
        (operator(shard="a"), operator(), True),
        (operator(shard="a"), of("x"), False),  # the label of x says it
    ],
)
def test_two_overlap_where_both_may_work(one: InstalledOperator, other: InstalledOperator, overlap: bool) -> None:
    assert one.overlaps(other) is overlap
    assert other.overlaps(one) is overlap


@pytest.mark.parametrize(
    ("one", "labels", "works"),
    [
        (operator(), {}, True),
        (of("team"), {}, True),
        (of("other"), {}, False),
        (operator(shard="a"), {LABEL: "a"}, True),
        (operator(shard="a"), {}, False),
        (operator(shard="default"), {}, True),
        (operator(shard="default"), {LABEL: "a"}, False),
    ],
)
def test_where_it_works_say_its_settings_and_the_label(
    one: InstalledOperator,
    labels: dict[str, str],
    works: bool,
) -> None:
    assert one.works_in("team", labels) is works
