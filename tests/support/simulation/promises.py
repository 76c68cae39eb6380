"""What every decision about a ModelDeployment must keep, whatever has happened before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.decision import ApplyObject, Decision, DeleteObject
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.swap.limits import least_serving
from rollmodel.plan.deployment.strategies.table import strategy_for
from rollmodel.plan.times import parse

__all__ = [
    "HOLDING_PAGE",
    "ROUTE_KINDS",
    "Moment",
    "is_of_revision",
    "keeps_promises",
    "manifests",
    "route_mirrors",
    "route_weights",
    "takes_no_pods_with_traffic",
]

HOLDING_PAGE = ("Deployment", "churn-hold")
ROUTE_KINDS = ("HTTPRoute", "GRPCRoute")
_STATUS_BYTES = 64 * 1024
#: How long pods stay for a holding page that does not answer.
_PAGE_SECONDS = 60


@dataclass(frozen=True)
class Moment:
    """What is true when a decision falls.

    ``served`` are the weights in force, ``seen`` the revisions whose requests Prometheus has shown, ``ready`` counts
    the ready pods of a revision.
    """

    spec: ModelDeploymentSpec
    status: Mapping[str, Any]
    served: Mapping[str, int]
    seen: set[str]
    ready: Callable[[str], int]
    now: datetime
    asked: Mapping[str, int] = field(default_factory=dict)
    """Pods that the Deployment of a revision asks for."""


def keeps_promises(decision: Decision, moment: Moment) -> None:
    """Fail unless the decision keeps all of them."""
    assert len(json.dumps(decision.status)) < _STATUS_BYTES
    _conditions(decision)
    _history(decision, moment)
    _weights(decision, moment)
    _observed(decision, moment)
    _beside(decision, moment)
    takes_no_pods_with_traffic(decision, moment)
    _falls_asleep(decision, moment)
    if strategy_for(moment.spec).needs.surge:
        _stable_size(decision, moment)
    else:
        _places(decision, moment)


def is_of_revision(manifest: Mapping[str, Any]) -> bool:
    """Whether this Deployment runs the pods of a revision; the holding page and endpoint pickers are of none."""
    return manifest["kind"] == "Deployment" and naming.REVISION in manifest["metadata"]["labels"]


def manifests(decision: Decision) -> list[Mapping[str, Any]]:
    """What is applied, in order."""
    return [effect.manifest for effect in decision.of(ApplyObject)]


def route_weights(route: Mapping[str, Any]) -> dict[str, int]:
    """Weights by revision, as a route has them."""
    first = _asked(route["spec"]["rules"][0])
    rules = [rule for rule in route["spec"]["rules"] if _asked(rule) == first]
    backends = [backend for rule in rules for backend in rule["backendRefs"]]
    return {backend["name"].rpartition("-")[2]: backend["weight"] for backend in backends}


def _asked(rule: Mapping[str, Any]) -> Any:
    """What a rule asks of a request, but for headers."""
    match = (rule.get("matches") or [{}])[0]
    return match.get("path", {}).get("value"), match.get("method")


def route_mirrors(route: Mapping[str, Any]) -> dict[str, int]:
    """Percent of the requests that are copied, by revision, as a route has them."""
    filters = [one for one in route["spec"]["rules"][0].get("filters", ()) if one["type"] == "RequestMirror"]
    mirrors = [one["requestMirror"] for one in filters]
    return {mirror["backendRef"]["name"].rpartition("-")[2]: mirror["percent"] for mirror in mirrors}


def _conditions(decision: Decision) -> None:
    """What kstatus reads: it never looks finished while it is not, and never both moving and stuck."""
    now = {condition["type"]: condition["status"] for condition in decision.status["conditions"]}
    assert "True" in {now["Ready"], now["Reconciling"], now["Stalled"]}
    assert not (now["Reconciling"] == "True" and now["Stalled"] == "True")
    assert not (now["Ready"] == "True" and now["Stalled"] == "True")


def _history(decision: Decision, moment: Moment) -> None:
    """No verdict by evidence without evidence, and no new stable revision that does not carry everything."""
    before = moment.status.get("history", [])
    for entry in decision.status["history"]:
        if entry in before:
            continue
        if entry["by"] == "evidence":
            assert entry["toRevision"] in moment.seen, f"a verdict about {entry['toRevision']} that nobody saw"
        if entry["verdict"] == "Promoted":
            assert moment.served == {entry["toRevision"]: 100}
        if entry["verdict"] == "Aborted":
            asked = decision.status["lastCommand"]["text"].split()
            assert asked[:2] == ["abort", entry["toRevision"]], f"{entry['toRevision']} was aborted by {asked}"


def _weights(decision: Decision, moment: Moment) -> None:
    """All traffic is given, and only to ready pods while any revision that may have traffic has some."""
    for route in manifests(decision):
        if route["kind"] in ROUTE_KINDS:
            weights = route_weights(route)
            if weights.keys() == {"churn"}:  # the holding page, by the main Service
                serving = [revision for revision in _eligible(decision, moment) if moment.ready(revision)]
                assert not moment.spec.scale.replicas or not serving, f"the page answers in place of {serving}"
                continue
            assert sum(weights.values()) == 100
            all_ready = all(moment.ready(revision) for revision in weights)
            none_could = not any(moment.ready(revision) for revision in _eligible(decision, moment))
            assert all_ready or none_could, f"traffic to pods that are not ready: {weights}"
            for revision in route_mirrors(route):
                assert moment.ready(revision), f"copies to {revision}, which has no ready pod"
                assert revision not in weights, f"{revision} gets requests and copies of them"
                assert revision == decision.status["candidate"]["revision"]


def _beside(decision: Decision, moment: Moment) -> None:
    """A baseline has the weight of its candidate, and as many pods until that takes over; it goes with it."""
    stable, candidate, baseline = (decision.status.get(arm) for arm in ("stable", "candidate", "baseline"))
    if baseline is None:
        return
    assert stable, "a baseline of nobody"
    assert candidate, "a baseline beside nobody"
    if not moment.spec.scale.replicas:  # nobody is compared; each keeps its pods until requests have left it
        return
    for route in manifests(decision):
        if route["kind"] in ROUTE_KINDS:
            weights = route_weights(route)
            tried = weights.get(candidate["revision"], 0)
            assert tried == 100 or weights.get(baseline["revision"], 0) == tried, f"{weights}, {baseline['revision']}"
    deployments = [manifest for manifest in manifests(decision) if is_of_revision(manifest)]
    asked = {**moment.asked, **{_revision(manifest): manifest["spec"]["replicas"] for manifest in deployments}}
    if candidate["step"] < strategy_for(moment.spec).step_count(moment.spec):
        assert asked.get(baseline["revision"]) == asked.get(candidate["revision"]), f"{asked}: as many as the candidate"


def _observed(decision: Decision, moment: Moment) -> None:
    """Weights in status are what the gateway has given, now or when it was last known; never what is wished.

    A router that was asked for just now has given nothing, and one whose route is refused gives nothing any more.
    """
    before, after = _shares(moment.status), _shares(decision.status)
    assert sum(after.values()) <= 100
    told = {one["type"]: one["status"] for one in decision.status["conditions"]}
    nothing = {0} if told["TrafficProgrammed"] != "True" else set[int]()
    for revision, weight in after.items() if router_for(moment.spec).capabilities.exact_weights else ():
        known = {before.get(revision, 0), moment.served.get(revision, 0)} | nothing
        assert weight in known, f"{revision} is said to have {weight} %, {known} were given"


def _shares(status: Mapping[str, Any]) -> dict[str, int]:
    arms = [status.get("stable"), status.get("candidate"), status.get("baseline"), *status.get("retiring", ())]
    return {arm["revision"]: arm["weight"] for arm in arms if arm}


def _eligible(decision: Decision, moment: Moment) -> list[str]:
    """Revisions that may have traffic: the stable one, a candidate with a weight, and who gives places back."""
    stable, candidate = decision.status.get("stable"), decision.status.get("candidate")
    revisions = [stable["revision"]] if stable else []
    if not strategy_for(moment.spec).needs.surge:
        revisions += [arm["revision"] for arm in decision.status["retiring"]]
    if candidate:
        goals = (strategy_for(moment.spec).goal(moment.spec, step) for step in range(candidate["step"] + 1))
        if not stable or any(goal.weight for goal in goals):
            revisions.append(candidate["revision"])
    return revisions


def takes_no_pods_with_traffic(decision: Decision, moment: Moment) -> None:
    """Pods go after their traffic, and the stable revision's never."""
    for delete in decision.of(DeleteObject):
        revision = delete.ref.name.rpartition("-")[2]
        if delete.ref.name.endswith("-epp") or delete.ref.kind == "InferencePool":
            revision = delete.ref.name.removesuffix("-epp").rpartition("-")[2]
            needed = moment.spec.traffic is not None and moment.spec.traffic.inference_pool is not None
            assert not needed or not moment.served.get(revision), f"the picker of {revision} goes before its traffic"
        elif delete.ref.kind in {"Deployment", "Service"} and revision:
            assert not moment.served.get(revision), f"{revision} is deleted while it has traffic"
            assert decision.status.get("stable", {}).get("revision") != revision


def _falls_asleep(decision: Decision, moment: Moment) -> None:
    """Where there is a holding page, pods that answer stay until it has their requests, but not for ever."""
    if moment.spec.scale.replicas or moment.spec.scale.holding_page is None:
        return
    before = next((one for one in moment.status.get("conditions", ()) if one["type"] == "Available"), None)
    since = parse(before["lastTransitionTime"]) if before is not None and before["status"] == "False" else moment.now
    for manifest in manifests(decision):
        if is_of_revision(manifest) and not manifest["spec"]["replicas"]:
            answers = moment.served.get(_revision(manifest)) and moment.ready(_revision(manifest))
            late = (moment.now - since).total_seconds() >= _PAGE_SECONDS
            assert late or not answers, f"pods of {_revision(manifest)} go before their requests"


def _stable_size(decision: Decision, moment: Moment) -> None:
    """The stable revision can always take all traffic."""
    stable = decision.status.get("stable")
    for manifest in manifests(decision):
        if stable and manifest["kind"] == "Deployment" and manifest["metadata"]["name"].endswith(stable["revision"]):
            held = decision.status.get("heldSize", {}).get("replicas", 0) if moment.spec.scale.replicas else 0
            pods, asked = manifest["spec"]["replicas"], max(moment.spec.scale.replicas, held)
            stays = not asked and moment.spec.scale.holding_page is not None and moment.ready(stable["revision"])
            assert pods == asked or (stays and pods == moment.asked.get(stable["revision"]))


def _places(decision: Decision, moment: Moment) -> None:
    """Nobody starts pods where no place is free, and so many stay ready as must serve, if there were as many."""
    full = max(moment.spec.scale.replicas, decision.status.get("heldSize", {}).get("replicas", 0))
    deployments = [manifest for manifest in manifests(decision) if is_of_revision(manifest)]
    after = {**moment.asked, **{_revision(manifest): manifest["spec"]["replicas"] for manifest in deployments}}
    if any(pods > moment.asked.get(revision, 0) for revision, pods in after.items()):
        assert sum(after.values()) <= full, f"{after} on {full} places"
    kept = sum(min(pods, moment.ready(revision)) for revision, pods in after.items())
    before = sum(moment.ready(revision) for revision in after)
    least = least_serving(moment.spec, moment.spec.scale.replicas)
    assert kept >= min(before, least), f"{kept} of {before} ready pods stay, {least} must"


def _revision(manifest: Mapping[str, Any]) -> str:
    return str(manifest["metadata"]["name"].rpartition("-")[2])
