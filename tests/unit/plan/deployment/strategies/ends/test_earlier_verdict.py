"""A version that lost here before, and nobody remembers but the registry: a new cluster, a status that was not kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rollmodel.plan.decision import Event
from rollmodel.plan.deployment.observed import PinnedModel

from tests.support.simulation.rollouts import Cluster, model, spec

Serving = Callable[..., Cluster]


def branded(version: str = "1", word: str = "RolledBack", deployment: str = "prod/churn") -> PinnedModel:
    tags = {"verdict": word, "reason": "Harmful: errors", "deployment": deployment, "time": "2026-01-01T00:00:00Z"}
    return replace(model(version), tags={f"rollmodel.dev/{key}": value for key, value in tags.items()})


def told(cluster: Cluster, reason: str) -> list[Event]:
    return [event for event in cluster.events if event.reason == reason]


@pytest.mark.parametrize("word", ["RolledBack", "Aborted"])
def test_it_is_not_installed_without_a_word(word: str) -> None:
    cluster = Cluster(spec(), model=branded(word=word))
    cluster.run(300)
    assert not cluster.deployments()
    assert not cluster.status.get("candidate")
    stalled = cluster.condition("Stalled")
    assert (stalled["status"], cluster.condition("Ready")["status"]) == ("True", "False")
    assert f"{word}: Harmful: errors" in stalled["message"]
    assert "rollmodel retry churn" in stalled["message"]
    assert [event.type for event in told(cluster, "RolledBackBefore")] == ["Warning"]
    assert cluster.reconcile().requeue_after is None


@pytest.mark.parametrize("verb", ["retry", "promote"])
def test_a_person_may_install_it(verb: str) -> None:
    cluster = Cluster(spec(), model=branded())
    cluster.run(60)
    cluster.command(verb, cluster.revision_of("1"))
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("RolledBack")["status"] == "False"
    assert len(told(cluster, "TriedAgain")) == 1


def test_another_version_is_installed() -> None:
    cluster = Cluster(spec(), model=branded())
    cluster.run(60)
    cluster.model = model("2")
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts() == ["Installed v2"]


@pytest.mark.parametrize("other", [{"deployment": "prod/other"}, {"word": "Promoted"}])
def test_the_verdict_of_another_deployment_or_a_good_one_says_nothing(other: dict[str, str]) -> None:
    cluster = Cluster(spec(), model=branded(**other))
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert not told(cluster, "TriedAgain")


def test_beside_a_stable_revision_it_is_judged_again_and_that_is_told(serving: Serving) -> None:
    cluster = serving()
    cluster.behave("2", bad=0.05)
    cluster.model = branded("2")
    assert cluster.run(100, lambda: cluster.arm("candidate") == "2")
    assert [event.type for event in told(cluster, "TriedAgain")] == ["Warning"]


def test_a_champion_that_is_installed_first_says_what_comes_next() -> None:
    cluster = Cluster(spec(), model=replace(model("1"), tried_next="2"))
    cluster.pass_until_quiet()
    message = cluster.condition("ModelResolved")["message"]
    assert message.endswith("; as the champion it is installed first, then v2 is tried")
