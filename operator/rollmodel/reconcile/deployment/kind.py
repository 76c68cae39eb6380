"""ModelDeployments: a model that is served, and each new version of it earns its traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.observed import Answer, Observed
from rollmodel.plan.problem import Problem
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.pinning.pinned import registered
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.references import Place, Topic, changed_models, registered_model

__all__ = ["LOOK_AGAIN_SECONDS", "model_deployments"]

#: Pods and gateways report within a second, mostly: one pass sees what was written and what came of it.
LOOK_AGAIN_SECONDS = 1.0


def model_deployments(
    gatherer: Gatherer, *, decide: Callable[[Observed], Decision], model_retry: float
) -> Kind[ModelDeploymentSpec, ModelDeploymentStatus, Observed]:
    """``model_retry`` is when a model that could not be pinned is looked up again, in seconds."""
    return Kind(
        plural="modeldeployments",
        spec=ModelDeploymentSpec,
        status=ModelDeploymentStatus,
        gather=gatherer.gather,
        decide=decide,
        numbers=_numbers,
        connection=lambda spec: spec.model.connection_ref,
        retry=lambda observed: model_retry if isinstance(observed.model, Problem) else None,
        look_again=LOOK_AGAIN_SECONDS,
        refers=_refers,
        finalize=gatherer.rules.finalize,
        owes=gatherer.rules.owes,
        announces=changed_models,
        forget=gatherer.forget,
    )


def _numbers(observed: Observed) -> int:
    """Points of all answers."""
    answers = (answer for answer in observed.answers.values() if isinstance(answer, Answer))
    return sum(len(points) for answer in answers for _, points in answer.series)


def _refers(place: Place, spec: ModelDeploymentSpec) -> Iterator[Topic]:
    """The registered model, which a training may give a new version or alias."""
    source = registered(spec.model)
    if source is not None and place.registry is not None:
        yield registered_model(place.registry, source.name)
