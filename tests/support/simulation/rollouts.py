"""A small cluster in memory: it carries decisions out, lets time pass, and checks the promises at every write.

Pods, a gateway that lags, and a Prometheus with raw counters are simulated; nothing is asked of the code under test but
``queries`` and ``decide``, and nothing survives between two passes but the status, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.decision import ApplyObject, Decision, DeleteObject, EmitEvent, Ref
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.objects.revision import revision_id
from rollmodel.plan.deployment.observed import Defaults, Observed, PinnedModel
from rollmodel.plan.problem import Problem

from tests.support.simulation.autoscaler import Autoscaler
from tests.support.simulation.pods import Behaviour, PodKind, pod_status
from tests.support.simulation.promises import Moment, keeps_promises, takes_no_pods_with_traffic
from tests.support.simulation.specs import DEFAULTS, model, spec
from tests.support.simulation.surroundings import START, TICK, Surroundings
from tests.support.simulation.told import Told

__all__ = ["DEFAULTS", "START", "TICK", "Behaviour", "Cluster", "model", "spec"]


@dataclass
class Cluster(Surroundings, Told):
    """One ModelDeployment, and passes over it, in surroundings."""

    spec: ModelDeploymentSpec
    model: PinnedModel | Problem = field(default_factory=model)
    defaults: Defaults = DEFAULTS
    generation: int = 1
    annotations: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    autoscaler: Autoscaler | None = None
    """A HorizontalPodAutoscaler that writes ``scale.replicas``."""
    refused: frozenset[str] = frozenset()
    """Kinds of which the API server takes no object: a quota, a policy, a webhook that says no."""
    problems: tuple[str, ...] = ()
    """What the last pass was refused, in words."""
    late: int = 0
    """Ticks between a look and what is done about it: a neighbour answers, but late. The world goes on meanwhile."""
    looked: tuple[Observed, Moment, datetime] | None = None
    """The look of a pass that is under way."""

    # -- what people do ------------------------------------------------------------------------------------------------

    def edit(self, **changes: Any) -> None:
        """A new spec: whole top-level fields."""
        self.spec = ModelDeploymentSpec.model_validate({**self.spec.to_wire(), **changes})
        self.generation += 1

    def command(self, verb: str, revision: str, nonce: str = "1") -> None:
        """Write the command annotation."""
        self.annotations["rollmodel.dev/command"] = f"{verb} {revision} {nonce}"

    def revision_of(self, version: str) -> str:
        """The revision that a version of the model has under the present spec."""
        return revision_id(self.spec.runtime, model(version))

    def behave(
        self,
        version: str,
        pods: PodKind = "good",
        bad: float = 0.01,
        slow: float = 1.0,
        cost: float = 1.0,
        *,
        answers: bool = True,
    ) -> str:
        """How this version will behave; returns its revision."""
        revision = self.revision_of(version)
        self.behaviours[revision] = Behaviour(pods, bad, slow, cost, answers)
        return revision

    def try_version(
        self, version: str = "2", pods: PodKind = "good", bad: float = 0.05, slow: float = 1.0, cost: float = 1.0
    ) -> str:
        """The alias moves to a version that behaves like this; returns the revision that this asks for."""
        self.model = model(version)
        return self.behave(version, pods, bad, slow, cost)

    def remove(self, kind: str, name: str) -> None:
        """Somebody deletes a child."""
        self._delete(kind, name, self.children[kind, name]["metadata"]["uid"])

    # -- passes --------------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """What ``gather`` would hand over now."""
        look = Observed(
            namespace="prod",
            name="churn",
            uid="uid-0",
            generation=self.generation,
            annotations=dict(self.annotations),
            managed_fields=[
                {"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:annotations": {"f:rollmodel.dev/command": {}}}}}
            ],
            spec=self.spec,
            status=ModelDeploymentStatus.model_validate(json.loads(json.dumps(self.status))),
            model=self.model,
            children=json.loads(json.dumps(list(self.children.values()))),
            pods=[
                pod_status(pod, self._behaviour(pod.revision)) for pod in self.pods if not self._all_ready(pod.revision)
            ],
            answers={},
            defaults=self.defaults,
            now=self.now,
            problems=self.problems,
        )
        return replace(look, answers={name: self._answer(query) for name, query in queries(look).items()})

    def reconcile(self, killed_after: int | None = None, lost: str | None = None) -> Decision:
        """One pass, carried out.

        ``killed_after``: the operator dies after so many writes, the status first. ``lost``: objects of this kind are
        not applied, since the API server takes them and never answers.
        """
        return self._carry_out(decide(self.observe()), self._moment(), killed_after, lost)

    def _carry_out(
        self, decision: Decision, moment: Moment, killed_after: int | None = None, lost: str | None = None
    ) -> Decision:
        keeps_promises(decision, moment)
        takes_no_pods_with_traffic(decision, self._moment())
        before = self.status
        self.status = json.loads(json.dumps(dict(decision.status)))
        taken = self._admit(decision)
        self.writes += (before != self.status) + len(taken) + len(decision.of(DeleteObject))
        acts: list[Callable[[], None]] = [
            partial(self._apply, manifest) for manifest in taken if manifest["kind"] != lost
        ]
        acts += [
            partial(self._delete, delete.ref.kind, delete.ref.name, delete.uid) for delete in decision.of(DeleteObject)
        ]
        for act in acts[:killed_after]:
            act()
        if not self._routed():
            self.served = self._behind_service()
        self.events += [effect.event for effect in decision.of(EmitEvent)]
        return decision

    def _admit(self, decision: Decision) -> list[Mapping[str, Any]]:
        """What of a decision the API server takes; what needs an object that it refuses is left for a later pass."""
        taken: list[Mapping[str, Any]] = []
        failed: set[Ref] = set()
        problems = []
        for effect in decision.of(ApplyObject):
            ref = Ref.of(effect.manifest)
            if ref.kind in self.refused:
                problems.append(f"{ref.kind} {ref.name} is forbidden: exceeded quota: tight")
            if ref.kind in self.refused or effect.needs & failed:
                failed.add(ref)
            else:
                taken.append(effect.manifest)
        self.problems = tuple(problems)
        return taken

    def _moment(self) -> Moment:
        ready = {revision: self._ready(revision) for revision in self.deployments()}
        asked = self._asked_pods()
        served, seen = dict(self.served), set(self.seen)
        return Moment(self.spec, self.status, served, seen, lambda one: ready.get(one, 0), self.now, asked)

    def _late_pass(self) -> None:
        """What was looked at some ticks ago is done now, unless somebody has written the object since."""
        if self.looked is None:
            self.looked = self.observe(), self._moment(), self.now
        look, moment, begun = self.looked
        if (self.now - begun).total_seconds() < self.late * TICK:
            return
        self.looked = None
        same = (look.generation, look.annotations, look.status.to_wire()) == (
            self.generation,
            self.annotations,
            ModelDeploymentStatus.model_validate(json.loads(json.dumps(self.status))).to_wire(),
        )
        if same:
            self._carry_out(decide(look), moment)

    def _passes(self) -> None:
        if self.late or self.looked is not None:
            self._late_pass()
        if not self.late:  # one that was late has ended, perhaps in vain: it is followed by another at once
            self.pass_until_quiet()

    def pass_until_quiet(self) -> None:
        """Passes at one moment until one of them writes nothing, as the driver does."""
        for _ in range(20):
            before = self.writes
            self.reconcile()
            if self.writes == before:
                return
        raise AssertionError("passes do not come to rest")

    def run(self, seconds: int, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass, with passes at every tick. True once ``until`` holds."""
        for _ in range(0, seconds, TICK):
            self._passes()
            if until is not None and until():
                return True
            self.advance()
        self._passes()
        return until() if until is not None else True

    def advance(self) -> None:
        """One tick: pods start, the gateway follows, requests are served and counted."""
        self._gateway()
        self._serve()
        self.now += timedelta(seconds=TICK)
        self._kubelet()
        self._autoscale()

    def _autoscale(self) -> None:
        if self.autoscaler is None or not self.status.get("selector"):
            return
        selector = dict(part.split("=") for part in self.status["selector"].split(","))
        seen = [pod for pod in self.pods if selector.get(naming.REVISION) in {None, pod.revision}]
        wanted = self.autoscaler.replicas(
            self.spec.scale.replicas,
            [pod.load for pod in seen if pod.ready],
            unready=sum(not pod.ready for pod in seen),
            now=self.now.timestamp(),
        )
        if wanted != self.spec.scale.replicas:
            self.edit(scale={"replicas": wanted})
