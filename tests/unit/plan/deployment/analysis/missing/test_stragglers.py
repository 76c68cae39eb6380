"""Samples of some pods that are late look like a wrong split, or like a candidate that hangs. They are told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.simulation.pods import Pod
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]

SLOWLY = {"steps": [{"weight": 30, "minSeconds": 1800}], "warmUpSeconds": 20, "drainSeconds": 20}
LATENCY = {"name": "latency", "preset": "Latency"}


def trying(serving: Serving, **changes: Any) -> tuple[Cluster, dict[str, str]]:
    """A candidate that has its weight, and the revisions by their names in the status."""
    cluster = serving(**{"scale": {"replicas": 7}, "rollout": SLOWLY, **changes})
    cluster.rate = 100
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    return cluster, {"stable": cluster.revision_of("1"), "candidate": cluster.revision_of("2")}


def late(revision: str, seconds: float, *, every_other: bool = True) -> Callable[[Pod], float]:
    """Samples of the pods of a revision, or of every other one of them, come so late."""

    def lag(pod: Pod) -> float:
        is_one = pod.revision == revision and (not every_other or int(pod.name.split("-")[1]) % 2)
        return seconds if is_one else 0.0

    return lag


def told(cluster: Cluster) -> str:
    return str(cluster.condition("MetricsAvailable")["reason"])


@pytest.mark.parametrize(("arm", "seconds"), [("candidate", 20), ("candidate", 250), ("stable", 40), ("stable", 130)])
def test_pods_whose_samples_are_late_are_named_with_the_setting_that_helps(
    serving: Serving, arm: str, seconds: int
) -> None:
    cluster, revisions = trying(serving)
    cluster.lag_of = late(revisions[arm], seconds)
    assert cluster.run(1200, lambda: told(cluster) == "SamplesLate"), cluster.condition("Progressing")
    condition = cluster.condition("MetricsAvailable")
    version = {"candidate": "v2", "stable": "v1"}[arm]
    assert (
        f"% of the requests of {version} came too late to be counted: samples of {revisions[arm]}-"
        in (condition["message"])
    )
    assert f"about {seconds} s after they were taken" in condition["message"]
    assert f"set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to {seconds + 10} or more" in condition["message"]
    assert cluster.condition("Stalled")["reason"] == "SamplesLate"
    cluster.defaults = replace(cluster.defaults, prometheus_delay_seconds=seconds + 10)
    assert cluster.run(seconds + 200, lambda: told(cluster) == "Answered")
    assert cluster.run(7200, cluster.over), cluster.condition("Progressing")
    assert cluster.verdicts()[-1] == "Promoted v2"


@pytest.mark.parametrize(
    "changes",
    [
        {"rollout": {**SLOWLY, "baseline": "Fresh"}},
        {"analysis": {"metrics": [LATENCY]}},
        {"analysis": {"metrics": [LATENCY, {"name": "errors", "preset": "Errors"}]}},
    ],
    ids=["baseline", "latency", "latency and errors"],
)
def test_whatever_is_measured_and_beside_whomever(serving: Serving, changes: dict[str, Any]) -> None:
    cluster, revisions = trying(serving, **changes)
    cluster.lag_of = late(revisions["candidate"], 40)
    assert cluster.run(1700, lambda: told(cluster) == "SamplesLate"), cluster.condition("Progressing")


def test_a_candidate_whose_samples_are_late_does_not_look_silent(serving: Serving) -> None:
    cluster, revisions = trying(serving)
    cluster.lag_of = late(revisions["candidate"], 40, every_other=False)
    cluster.run(900)
    assert told(cluster) == "SamplesLate"
    assert "CandidateSilent" not in cluster.reasons()


def test_samples_that_come_in_batches_are_told_without_a_pause(serving: Serving) -> None:
    """Each minute all that was taken in it, by pods of the candidate with odd numbers."""
    cluster, revisions = trying(serving)
    some = late(revisions["candidate"], 1)
    cluster.lag_of = lambda pod: some(pod) * (cluster.now.timestamp() % 60)
    assert cluster.run(1700, lambda: told(cluster) == "SamplesLate"), cluster.condition("Progressing")
    assert not cluster.run(600, lambda: told(cluster) != "SamplesLate")


@pytest.mark.parametrize("given", [10.0, 60.0])
def test_a_split_that_is_wrong_is_not_blamed_on_samples(serving: Serving, given: float) -> None:
    cluster, revisions = trying(serving)
    cluster.given = {revisions["candidate"]: given, revisions["stable"]: 100 - given}
    word = "less" if given < 30 else "more"
    held = f"the candidate gets {word} traffic than its weight"
    assert cluster.run(1700, lambda: held in cluster.condition("Progressing")["message"])
    cluster.run(900)
    cluster.given = {}
    cluster.run(900)
    assert "SamplesLate" not in cluster.reasons()
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_hang_is_not_blamed_on_samples_of_others(serving: Serving) -> None:
    cluster, revisions = trying(serving)
    cluster.run(300)
    cluster.behave("2", answers=False)
    cluster.lag_of = late(revisions["stable"], 40)
    assert cluster.run(600, lambda: told(cluster) == "CandidateSilent")
    assert not cluster.run(600, lambda: told(cluster) != "CandidateSilent")
