"""A rule of somebody else's HTTPRoute: as its owner wrote it at rest, ours in a rollout, and never fought for long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from rollmodel.plan.decision import Decision, SetBackends
from rollmodel.plan.deployment.at_rest import children_at_rest
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.strategies.requirements import unmet

from tests.support.simulation.promises import Moment
from tests.support.simulation.rollouts import DEFAULTS, TICK, Cluster, model, spec

PLAIN = [{"group": "", "kind": "Service", "name": "churn", "port": 80, "weight": 1}]
OTHER = {"name": "docs", "backendRefs": [{"group": "", "kind": "Service", "name": "docs", "port": 80, "weight": 1}]}
BY_RULE = {"routeRef": {"name": "site", "rule": "model"}}


def route(**rule: Any) -> dict[str, Any]:
    model_rule = {"name": "model", "matches": [{"path": {"value": "/churn"}}], "backendRefs": PLAIN, **rule}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "site", "namespace": "prod", "uid": "uid-s", "generation": 1, "resourceVersion": "1"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [OTHER, model_rule]},
    }


@dataclass
class Shared(Cluster):
    """A cluster in which a route of somebody else leads to the model, and maybe somebody who writes it back."""

    route: dict[str, Any] | None = field(default_factory=route)
    gitops: bool = False
    changes: int = 0
    in_force: list[dict[str, Any]] = field(default_factory=lambda: PLAIN)
    """Of the rule, at the gateway."""

    def backends(self) -> list[dict[str, Any]]:
        assert self.route is not None
        found: list[dict[str, Any]] = self.route["spec"]["rules"][1]["backendRefs"]
        return found

    def write(self, backends: Any) -> None:
        """Somebody writes the backends of the rule."""
        assert self.route is not None
        changed = json.loads(json.dumps(self.route))
        changed["spec"]["rules"][1]["backendRefs"] = json.loads(json.dumps(backends))
        if changed != self.route:
            changed["metadata"]["generation"] += 1
        changed["metadata"]["resourceVersion"] = str(int(changed["metadata"]["resourceVersion"]) + 1)
        self.route = changed

    def observe(self) -> Observed:
        return replace(super().observe(), users_route=json.loads(json.dumps(self.route)))

    def _carry_out(
        self, decision: Decision, moment: Moment, killed_after: int | None = None, lost: str | None = None
    ) -> Decision:
        for change in decision.of(SetBackends):
            assert self.route is not None
            assert (change.rule, change.resource_version) == ("model", self.route["metadata"]["resourceVersion"])
            if killed_after is None:
                self.write(change.backends)
                self.writes += 1
                self.changes += 1
        return super()._carry_out(decision, moment, killed_after, lost)

    def _moment(self) -> Moment:
        if self.route is not None:  # endpoints of a Service follow its pods at once
            self.served = self._shares(self.in_force)
        return super()._moment()

    def _gateway(self) -> None:
        if self.gitops and self.backends() != PLAIN:
            self.write(PLAIN)
        if self.route is None:
            super()._gateway()
            return
        self.in_force = self.backends()
        generation = self.route["metadata"]["generation"]
        conditions = [
            {"type": kind, "status": "True", "reason": kind, "observedGeneration": generation}
            for kind in ("Accepted", "ResolvedRefs")
        ]
        self.route["status"] = {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}

    def _routed(self) -> bool:
        return self.route is not None and "status" in self.route

    def _shares(self, backends: list[dict[str, Any]]) -> dict[str, int]:
        shares: dict[str, int] = {}
        for backend in backends:
            part = {backend["name"].rpartition("-")[2]: backend["weight"]}
            for revision, share in (self._behind_service() if backend == PLAIN[0] else part).items():
                shares[revision] = shares.get(revision, 0) + share
        return shares


def serving() -> Shared:
    """Version 1 serves, and has a past."""
    return deepcopy(_serving())


@cache
def _serving() -> Shared:
    found = Shared(spec(traffic=BY_RULE), rate=1000)
    found.behave("1", bad=0.05)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    for _ in range(0, 1900, TICK):
        found.advance()
    found.pass_until_quiet()
    return found


def test_at_rest_the_rule_is_as_its_owner_wrote_it() -> None:
    found = serving()
    before = found.writes
    found.run(600)
    assert (found.backends(), found.writes, found.changes) == (PLAIN, before, 0)
    assert "routedRule" not in found.status
    assert not {kind for kind, _ in found.children} & {"HTTPRoute", "GRPCRoute"}


def test_a_rollout_changes_backends_and_nothing_else_and_puts_them_back() -> None:
    found = serving()
    candidate, weights = found.try_version("2"), set[int]()

    def over() -> bool:
        weights.add(found.served.get(candidate, 0))
        if found.backends() != PLAIN:
            assert found.status["routedRule"]["original"] == PLAIN
        return found.arm("stable") == "2" and found.over()

    assert found.run(7200, over)
    found.run(120)
    assert weights == {0, 10, 50, 100}
    assert found.backends() == PLAIN
    assert found.served == {candidate: 100}
    assert found.route is not None
    assert found.route["spec"] == route()["spec"]
    assert "routedRule" not in found.status


def test_a_harmful_version_loses_its_backend() -> None:
    found = serving()
    candidate = found.try_version("2", bad=0.5)
    assert found.run(3600, found.has_weight)
    assert found.run(3600, found.over)
    found.run(60)
    assert found.verdicts()[-1] == "RolledBack v2"
    assert (found.backends(), candidate in found.served) == (PLAIN, False)


def test_a_weight_or_filter_of_the_owner_comes_back_to_the_letter() -> None:
    own = [{**PLAIN[0], "weight": 7, "filters": [{"type": "ExtensionRef"}]}]
    found = serving()
    found.write(own)
    found.try_version("2")
    assert found.run(3600, found.has_weight)
    assert found.status["routedRule"]["original"] == own
    assert found.run(7200, found.over)
    found.run(120)
    assert found.backends() == own


def test_who_writes_it_back_for_ever_is_told_and_stable_serves() -> None:
    by_hand = {"steps": [{"weight": 10}, {"pause": "Manual"}], "warmUpSeconds": 0, "drainSeconds": 0}
    found = Shared(spec(traffic=BY_RULE, rollout=by_hand, analysis={"metrics": []}), rate=1000)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    found.gitops = True
    candidate = found.try_version("2")
    assert found.run(3600, lambda: found.condition("Stalled")["reason"] == "RouteContended")
    assert found.condition("Stalled")["status"] == "True"
    before, served = found.changes, set[int]()

    def record() -> bool:
        served.add(found.served.get(candidate, 0))
        return False

    found.run(1500, record)
    assert 3 <= before <= 5
    assert found.changes - before <= 5  # after 60, 120, 240, 480 and 900 seconds
    assert served == {0}
    assert [event.reason for event in found.events].count("RouteContended") >= 3
    found.gitops = False
    assert found.run(1000, lambda: found.served.get(candidate) == 10)
    found.command("promote", candidate)
    assert found.run(600, lambda: found.arm("stable") == "2" and found.over())
    assert found.condition("Ready")["status"] == "True"


def test_one_edit_during_a_rollout_is_put_right_at_once() -> None:
    found = serving()
    found.try_version("2")
    assert found.run(3600, found.has_weight)
    found.write(PLAIN)
    found.pass_until_quiet()
    assert found.backends() != PLAIN
    assert found.status["routedRule"]["repairs"] == 1
    assert found.condition("Stalled")["reason"] != "RouteContended"
    assert found.run(7200, lambda: found.arm("stable") == "2" and found.over())


def test_a_pass_that_dies_before_it_changes_the_rule_is_no_fight() -> None:
    found = serving()
    found.try_version("2")
    assert found.run(3600, lambda: found.status.get("candidate", {}).get("step") == 0)
    for _ in range(5):
        found.reconcile(killed_after=0)
    found.pass_until_quiet()
    assert found.status.get("routedRule", {}).get("repairs", 0) == 0
    assert found.run(7200, lambda: found.arm("stable") == "2" and found.over())


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (None, "RouteNotGranted"),
        (route(name="other"), "RuleNotFound"),
        (route(backendRefs=[]), "RuleNotGranted"),
        (route(backendRefs=[{**PLAIN[0], "name": "billing"}]), "RuleNotGranted"),
        (route(backendRefs=[{**PLAIN[0], "port": 8080}]), "RuleNotGranted"),
        (route(backendRefs=[{**PLAIN[0], "namespace": "other"}]), "RuleNotGranted"),
        (route(backendRefs=[*PLAIN, {**PLAIN[0], "name": "billing"}]), "RuleNotGranted"),
    ],
)
def test_a_rule_that_was_not_given_is_not_touched(there: dict[str, Any] | None, reason: str) -> None:
    found = serving()
    found.route = there
    found.try_version("2")
    found.run(300)
    assert (found.condition("Stalled")["status"], found.condition("Stalled")["reason"]) == ("True", reason)
    assert found.changes == 0
    assert not found.served.get(found.revision_of("2"))


def test_without_a_gateway_api_that_is_told_and_not_a_missing_label() -> None:
    found = Shared(spec(traffic=BY_RULE), route=None)
    stalled = decide(replace(found.observe(), gateway_available=False)).status["conditions"]
    assert {one["type"]: one["reason"] for one in stalled}["TrafficProgrammed"] == "GatewayAPIMissing"


def test_another_router_gives_the_rule_back() -> None:
    found = serving()
    found.try_version("2")
    assert found.run(3600, found.has_weight)
    found.edit(traffic={"parentRefs": [{"name": "public"}]})
    found.pass_until_quiet()
    assert found.backends() == PLAIN
    assert "routedRule" not in found.status


@pytest.mark.parametrize(
    "rollout", [{"strategy": "Shadow"}, {"strategy": "ABTest", "abTest": {"header": {"name": "x", "value": "b"}}}]
)
def test_what_backends_alone_cannot_do_is_refused(rollout: Mapping[str, Any]) -> None:
    problem = unmet(spec(traffic=BY_RULE, rollout=rollout))
    assert problem is not None
    assert "traffic.parentRefs" in problem.message


def test_its_objects_at_rest_can_be_shown() -> None:
    kinds = [child["kind"] for child in children_at_rest("prod", "churn", spec(traffic=BY_RULE), model(), DEFAULTS)]
    assert sorted(kinds) == ["ControllerRevision", "Deployment", "Service", "Service"]


def test_a_baseline_is_one_more_backend_and_the_rule_is_put_back() -> None:
    found = serving()
    found.edit(rollout={**found.spec.rollout.to_wire(), "baseline": "Fresh"})
    candidate, splits = found.try_version("2"), list[dict[str, int]]()

    def over() -> bool:
        split = {backend["name"].removeprefix("churn-"): backend["weight"] for backend in found.backends()}
        if found.baseline in split and split not in splits:
            splits.append(split)
            assert split[found.baseline] == split[candidate]
        return found.arm("stable") == "2" and found.over()

    assert found.run(7200, over)
    assert [sorted(split.values()) for split in splits] == [[10, 10, 80], [50, 50]]
    assert found.backends() == PLAIN
