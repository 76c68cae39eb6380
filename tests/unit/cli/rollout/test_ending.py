"""What `wait` and `watch` take for the end of a rollout, on statuses that the operator makes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from rollmodel.cli.rollout.ending import GOALS, Ending, Expectation, Goal, now_doing
from rollmodel.plan.problem import Problem

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, spec


def manifest(cluster: Cluster) -> dict[str, Any]:
    metadata = {"name": "churn", "generation": cluster.generation, "annotations": cluster.annotations}
    return {"kind": "ModelDeployment", "metadata": metadata, "status": cluster.status}


def ending(cluster: Cluster, goal: Goal | None = None, version: str | None = None) -> Ending | None:
    return Expectation(version, goal).ending(manifest(cluster))


@pytest.fixture(scope="module")
def installed() -> Cluster:
    cluster = Cluster(spec())
    cluster.behave("1", bad=0.05)
    let_serve(cluster)
    return cluster


@pytest.fixture
def serving(installed: Cluster) -> Cluster:
    return deepcopy(installed)


@pytest.fixture
def tried(serving: Cluster) -> Cluster:
    """Version 2 is on its way."""
    serving.try_version()
    serving.pass_until_quiet()
    return serving


def ask(cluster: Cluster, verb: str) -> None:
    cluster.command(verb, cluster.status["candidate"]["revision"], verb)
    cluster.run(120)


def test_at_rest_the_wanted_version_serves(serving: Cluster) -> None:
    assert ending(serving) == Ending(good=True, text="v1 serves; v1: Installed: FirstRevision")
    for goal in GOALS[::2]:
        found = ending(serving, goal)
        assert found is not None
        assert found.good
    assert ending(serving, "rolled-back") == Ending(good=False, text="v1: Installed: FirstRevision")


def test_a_version_that_is_not_there_yet_is_waited_for(serving: Cluster) -> None:
    assert ending(serving, "serving", "2") is None


def test_nothing_is_said_before_the_registry_was_read(serving: Cluster) -> None:
    serving.annotations["rollmodel.dev/refresh"] = "now"
    assert ending(serving) is None
    assert now_doing(manifest(serving)) == "waits until the operator has read the registry"
    serving.pass_until_quiet()
    assert ending(serving) is not None


def test_nothing_is_said_about_an_old_spec(serving: Cluster) -> None:
    serving.generation += 1
    assert ending(serving) is None


def test_while_it_is_tried(tried: Cluster) -> None:
    assert ending(tried) is None
    assert now_doing(manifest(tried)) == "v2: 0 of 1 pods ready"


EVERY_GOAL = pytest.mark.parametrize("goal", ["serving", "promoted", "rolled-back", None])


@EVERY_GOAL
def test_a_promotion(goal: Goal | None, tried: Cluster) -> None:
    ask(tried, "promote")
    found = ending(tried, goal)
    assert found is not None
    assert found.good is (goal != "rolled-back")
    assert found.text.endswith("v2: Promoted: Command")


@EVERY_GOAL
def test_a_loss(goal: Goal | None, tried: Cluster) -> None:
    ask(tried, "abort")
    assert ending(tried, goal) == Ending(goal == "rolled-back", "v2 was taken back: Command: aborted by kubectl")


def test_the_old_version_is_no_answer_for_the_new_one(tried: Cluster) -> None:
    """Version 2 lost; whoever waits for version 3 is told nothing by that."""
    ask(tried, "abort")
    assert ending(tried, "promoted", "3") is None


def test_something_else_is_wanted_meanwhile(tried: Cluster) -> None:
    expected = Expectation("2", "promoted")
    assert expected.ending(manifest(tried)) is None
    tried.try_version("1")
    tried.run(60)
    assert expected.ending(manifest(tried)) == Ending(
        good=False, text="v2: Superseded: the stable revision is wanted again"
    )


def test_an_alias_that_is_gone_is_no_promotion(serving: Cluster) -> None:
    serving.model = Problem("AliasNotFound", "model 'churn' has no alias 'challenger'")
    serving.pass_until_quiet()
    assert ending(serving, "promoted") == Ending(
        good=False, text="it needs a person: AliasNotFound: model 'churn' has no alias 'challenger'"
    )


def test_a_first_version_that_cannot_start(serving: Cluster) -> None:
    cluster = Cluster(spec())
    cluster.behave("1", pods="crash")
    cluster.run(600)
    found = ending(cluster)
    assert found is not None
    assert not found.good
    assert found.text.startswith("v1 needs a person: CrashLoop")


def test_the_version_that_an_undo_brought_back_serves(tried: Cluster) -> None:
    ask(tried, "promote")
    tried.command("undo", tried.status["stable"]["revision"], "undo")
    tried.run(120)
    assert tried.condition("Ready")["reason"] == "RolledBack"
    assert ending(tried, "serving", "1") == Ending(good=True, text="v1 serves; v1: Promoted: Undo: v2 was taken back")
