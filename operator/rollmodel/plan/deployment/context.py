"""What was gathered, sorted for deciding: the children by revision, the observed split, the wanted revision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.pools.live import without_picker
from rollmodel.plan.deployment.objects.revision import Revision, content_hash, record
from rollmodel.plan.deployment.objects.revision import wanted as build_wanted
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.routers.contention import contended
from rollmodel.plan.deployment.routers.router import Router, router_for
from rollmodel.plan.deployment.routers.traffic import ADDRESS_TAKEN, ObservedTraffic
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import seconds_since

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """What stays the same during a pass. Exactly one of ``wanted`` and ``problem`` is set."""

    observed: Observed
    live: LiveObjects
    router: Router
    traffic: ObservedTraffic
    wanted: Revision | None
    problem: Problem | None

    @classmethod
    def of(cls, observed: Observed) -> Context:
        """Sort and read what was gathered."""
        children = LiveObjects.of(observed.children, observed.name, observed.status.records)
        wanted, problem = _wanted(observed)
        router, owner = router_for(observed.spec), _owner(observed)
        unpicked = without_picker(observed, children) if _installed(router, observed) else frozenset[str]()
        live = replace(children, users_route=observed.users_route, without_picker=unpicked)
        traffic = _at_its_address(router.observe(owner, live, installed=_installed(router, observed)), observed)
        return cls(observed, live, router, contended(traffic, observed.status.routed_rule), wanted, problem)

    @property
    def installed(self) -> bool:
        """Whether the cluster has what the router builds."""
        return _installed(self.router, self.observed)

    @property
    def spec(self) -> ModelDeploymentSpec:
        """The desired state."""
        return self.observed.spec

    @property
    def now(self) -> datetime:
        """The time of this pass."""
        return self.observed.now

    @property
    def owner(self) -> Owner:
        """Whom children belong to."""
        return _owner(self.observed)

    def revision(self, identity: str) -> Revision | None:
        """A revision as it was recorded, or as the spec describes it; None where neither knows it."""
        described = self.wanted if self.wanted is not None and self.wanted.id == identity else None
        if described is not None and identity not in self.live.records and self._was_recorded(described):
            return described
        return self.live.revision(identity) or described

    def _was_recorded(self, revision: Revision) -> bool:
        """Whether this is, to the letter, what the record of the revision has said."""
        remembered = self.live.hashes.get(revision.id)
        return remembered is not None and remembered == content_hash(record(self.owner, revision, 0))

    def label(self, identity: str) -> str:
        """How people call a revision."""
        revision = self.revision(identity)
        label = identity if revision is None else revision.label
        return label if self.live.baseline_of(identity) is None else f"the baseline of {label}"

    def seconds_since(self, moment: str | None) -> float:
        """Seconds since a time of status, see :func:`rollmodel.plan.times.seconds_since`."""
        return seconds_since(moment, self.now)


def _at_its_address(traffic: ObservedTraffic, observed: Observed) -> ObservedTraffic:
    """What a route says, as far as requests get to it: of two with one address the older one has them all."""
    taken = observed.address_taken
    if taken is None or not observed.gateway_available:
        return traffic
    message = (
        f"{taken.owner} is older and has the address {taken.address}: it gets the requests;"
        " change `hostnames`, `pathPrefix` or `parentRefs` of one of them"
    )
    weights = {} if taken.whole else traffic.weights
    return replace(
        traffic, weights=weights, status="False", reason=ADDRESS_TAKEN, message=message, needs_person=True, waits=False
    )


def _installed(router: Router, observed: Observed) -> bool:
    missing = observed.missing_kinds if observed.gateway_available else {"HTTPRoute", *observed.missing_kinds}
    traffic = observed.spec.traffic
    others = {"HTTPRoute"} if traffic is not None and traffic.route_ref is not None else set[str]()
    return not (router.kinds | others) & missing


def _owner(observed: Observed) -> Owner:
    return Owner.of(observed.namespace, observed.name, observed.uid, observed.spec.runtime)


def _wanted(observed: Observed) -> tuple[Revision | None, Problem | None]:
    if isinstance(observed.model, Problem):
        return None, observed.model
    try:
        return build_wanted(observed.name, observed.spec, observed.model, observed.defaults), None
    except Invalid as error:
        return None, Problem.of(error)
