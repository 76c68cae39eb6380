"""DriftPolicies: a model is compared with what it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus
from rollmodel.plan.decision import Decision
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.observed import Observed
from rollmodel.reconcile.compute import LARGE
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.references import Place, Topic, the_object

__all__ = ["drift_policies"]


def drift_policies(
    gatherer: DriftGatherer, *, decide: Callable[[Observed], Decision]
) -> Kind[DriftPolicySpec, DriftPolicyStatus, Observed]:
    """Woken by its ModelDeployment, and by the TrainingJob that it copies."""
    return Kind(
        plural="driftpolicies",
        spec=DriftPolicySpec,
        status=DriftPolicyStatus,
        outcome="Ready",
        gather=gatherer.gather,
        decide=decide,
        numbers=_numbers,
        refers=_refers,
        forget=gatherer.forget,
    )


def _numbers(observed: Observed) -> int:
    """Each look compares distributions many times; between two looks there is nothing to compute."""
    return LARGE if isinstance(observed.history, History) else 0


def _refers(place: Place, spec: DriftPolicySpec) -> Iterator[Topic]:
    yield the_object("ModelDeployment", place.namespace, spec.model_deployment_ref.name)
    if spec.retrain.training_job_ref is not None:
        yield the_object("TrainingJob", place.namespace, spec.retrain.training_job_ref.name)
