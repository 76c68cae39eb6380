"""A tag that moves: two builds under one revision are seen and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rollmodel.plan.decision import EmitEvent
from rollmodel.plan.deployment.decide import decide

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


def look(cluster: Cluster, **images: str) -> list[str]:
    """A pass in which the pods of version 1 show these images; the reasons of its Events."""
    pods = []
    for name, image in images.items():
        labels = {"rollmodel.dev/revision": cluster.revision_of("1")}
        container = {"name": "model", "restartCount": 0, "state": {}, "imageID": image}
        pods.append({"metadata": {"name": name, "labels": labels}, "status": {"containerStatuses": [container]}})
    decision = decide(replace(cluster.observe(), pods=pods))
    cluster.status = dict(decision.status)
    return [effect.event.reason for effect in decision.of(EmitEvent)]


def conditions(cluster: Cluster) -> dict[str, Any]:
    return {one["type"]: one for one in cluster.status["conditions"]}


def test_two_builds_of_one_revision_are_told_once_and_stay_said(serving: Serving) -> None:
    cluster = serving()
    assert look(cluster, a="repo/server@sha256:aa", b="repo/server@sha256:bb") == ["ImageTagMoved"]
    said = conditions(cluster)["BuildsDiffer"]
    assert (said["status"], said["reason"]) == ("True", "ImageTagMoved")
    assert "v1 run different builds: sha256:aa (pod a), sha256:bb (pod b)" in said["message"]
    assert look(cluster) == []
    assert conditions(cluster)["BuildsDiffer"] == said
    assert look(cluster, a="repo/server@sha256:bb", b="repo/server@sha256:bb") == []
    assert conditions(cluster)["BuildsDiffer"]["status"] == "False"


def test_one_build_and_ids_of_nodes_say_nothing(serving: Serving) -> None:
    cluster = serving()
    assert look(cluster, a="repo/server@sha256:aa", b="mirror/server@sha256:aa", c="sha256:cc", d="") == []
    assert "BuildsDiffer" not in conditions(cluster)
