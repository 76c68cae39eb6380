"""Undo: back to the revision that was stable before, in one step and without judging it anew."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.support.simulation.rollouts import Cluster, spec


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1 serves, and nothing was there before it."""
    cluster = Cluster(spec())
    cluster.behave("1", bad=0.05)
    assert cluster.run(600, lambda: at_rest(cluster, "1"))
    return cluster


@pytest.fixture(scope="module")
def promoted(installed: Cluster) -> Cluster:
    """Version 2 was promoted by hand, fails, and has all traffic; version 1 has lost its pods."""
    cluster = deepcopy(installed)
    revision = cluster.try_version(bad=0.3)
    cluster.pass_until_quiet()
    cluster.command("promote", revision)
    assert cluster.run(600, lambda: cluster.arm("stable") == "2" and not cluster.status.get("retiring"))
    return cluster


@pytest.fixture
def regretted(promoted: Cluster) -> Cluster:
    return deepcopy(promoted)


def undo(cluster: Cluster, nonce: str = "undo") -> None:
    cluster.command("undo", cluster.status["stable"]["revision"], nonce)
    cluster.pass_until_quiet()


def at_rest(cluster: Cluster, version: str) -> bool:
    return cluster.arm("stable") == version and "candidate" not in cluster.status and not cluster.status.get("retiring")


def test_it_goes_back_at_once_and_judges_nothing(regretted: Cluster) -> None:
    undo(regretted)
    assert regretted.status["candidate"]["modelVersion"] == "1"
    weights = set()
    while not at_rest(regretted, "1"):
        regretted.run(10)
        weights.add(regretted.status.get("candidate", {}).get("weight", 100))
        assert len(regretted.status["history"]) < 5
    assert weights <= {0, 100}
    last = regretted.status["history"][-1]
    assert (last["verdict"], last["fromVersion"], last["toVersion"], last["cause"]) == ("Promoted", "2", "1", "Undo")
    assert last["by"] == "kubectl"


def test_what_was_undone_is_not_tried_again_until_somebody_says_so(regretted: Cluster) -> None:
    undo(regretted)
    assert regretted.run(120, lambda: at_rest(regretted, "1"))
    regretted.run(600)
    assert at_rest(regretted, "1")
    assert regretted.condition("RolledBack")["message"] == (
        "v2 was taken back and is not tried again by itself: Undo: v1 was brought back by kubectl"
    )
    regretted.command("retry", regretted.status["rejected"]["revision"], "again")
    regretted.pass_until_quiet()
    assert regretted.status["candidate"]["modelVersion"] == "2"


def test_the_registry_is_told(regretted: Cluster) -> None:
    regretted.status["outbox"] = []
    undo(regretted)
    assert regretted.run(120, lambda: at_rest(regretted, "1"))
    written = {entry["key"]: entry for entry in regretted.status["outbox"]}
    assert written["tags/churn/2"]["tags"]["rollmodel.dev/verdict/prod/churn"] == "RolledBack"
    assert written["alias/churn/champion"]["version"] == "1"


def test_the_alias_that_moves_on_meanwhile_wins(regretted: Cluster) -> None:
    undo(regretted)
    regretted.try_version("3")
    assert regretted.run(3600, lambda: at_rest(regretted, "3"))
    assert "Superseded v1" in regretted.verdicts()


def test_the_alias_that_is_moved_back_meanwhile_changes_nothing(regretted: Cluster) -> None:
    undo(regretted)
    regretted.try_version("1")
    assert regretted.run(120, lambda: at_rest(regretted, "1"))
    assert "rejected" not in regretted.status
    assert regretted.condition("Ready")["status"] == "True"


def test_pods_that_do_not_come_leave_everything_as_it_was(regretted: Cluster) -> None:
    regretted.behave("1", pods="never")
    undo(regretted)
    assert regretted.run(1200, lambda: at_rest(regretted, "2"))
    assert regretted.status["history"][-1]["verdict"] == "RolledBack"


def test_an_undo_can_be_aborted(regretted: Cluster) -> None:
    regretted.behave("1", pods="never")
    undo(regretted)
    regretted.command("abort", regretted.status["candidate"]["revision"], "no")
    assert regretted.run(120, lambda: at_rest(regretted, "2"))


def test_scaled_to_zero_meanwhile_there_is_nothing_left_to_go_back_to(regretted: Cluster) -> None:
    undo(regretted)
    regretted.edit(scale={"replicas": 0})
    regretted.run(60)
    regretted.edit(scale={"replicas": 2})
    assert regretted.run(600, lambda: at_rest(regretted, "2") and regretted.condition("Ready")["status"] == "True")


def ignored(cluster: Cluster, why: str) -> None:
    last = cluster.status["lastCommand"]
    assert (last["result"], last["message"]) == ("Ignored", why)


def test_nothing_was_promoted(installed: Cluster) -> None:
    cluster = deepcopy(installed)
    undo(cluster)
    ignored(cluster, "it was not promoted: there is no revision to go back to")


def test_another_revision_serves(regretted: Cluster) -> None:
    regretted.command("undo", "bbbbbbbb")
    regretted.pass_until_quiet()
    ignored(regretted, "it is not the revision that serves")


def test_while_another_is_tried(regretted: Cluster) -> None:
    regretted.try_version("3")
    regretted.pass_until_quiet()
    undo(regretted)
    ignored(regretted, "v3 is being tried: abort it first")


def test_the_record_is_gone(regretted: Cluster) -> None:
    del regretted.children["ControllerRevision", f"churn-{regretted.revision_of('1')}"]
    undo(regretted)
    ignored(regretted, "the record of revision " + regretted.revision_of("1") + ", which served before, is gone")
