"""One look at the world, made up for deciding: children sorted, traffic read, the wanted revision pinned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.objects.revision import wanted as build_wanted
from rollmodel.plan.deployment.observed import ModelProblem, Observed
from rollmodel.plan.deployment.routers.observe import Programmed, observe
from rollmodel.plan.times import seconds_since

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """What all functions of the machine see. Exactly one of ``wanted`` and ``problem`` is set."""

    observed: Observed
    live: LiveObjects
    traffic: Programmed
    wanted: Revision | None
    problem: ModelProblem | None

    @classmethod
    def of(cls, observed: Observed) -> Context:
        """Sort and read what was gathered."""
        live = LiveObjects.of(observed.children)
        wanted, problem = _wanted(observed)
        traffic = observe(
            observed.spec,
            live,
            owner=observed.name,
            namespace=observed.namespace,
            gateway=observed.gateway_available,
        )
        return cls(observed, live, traffic, wanted, problem)

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
        return Owner(self.observed.namespace, self.observed.name, self.observed.uid)

    def revision(self, identity: str) -> Revision | None:
        """A revision as it was recorded, or as the spec describes it; None where neither knows it."""
        recorded = self.live.revision(identity)
        if recorded is None and self.wanted is not None and self.wanted.id == identity:
            return self.wanted
        return recorded

    def label(self, identity: str) -> str:
        """How people call a revision."""
        revision = self.revision(identity)
        return identity if revision is None else revision.label

    def seconds_since(self, moment: str | None) -> float:
        """Seconds since a time of status, see :func:`rollmodel.plan.times.seconds_since`."""
        return seconds_since(moment, self.now)


def _wanted(observed: Observed) -> tuple[Revision | None, ModelProblem | None]:
    if isinstance(observed.model, ModelProblem):
        return None, observed.model
    try:
        return build_wanted(observed.name, observed.spec, observed.model, observed.defaults), None
    except Invalid as error:
        return None, ModelProblem(error.reason, str(error), transient=False)
