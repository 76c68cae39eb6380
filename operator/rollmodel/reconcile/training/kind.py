"""TrainingJobs: a training run that comes to its one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.decision import Decision
from rollmodel.plan.training.names import aliased
from rollmodel.plan.training.observed import Observed
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.references import Place, Topic, changed_models, registered_model
from rollmodel.reconcile.training.finalize import RunCloser
from rollmodel.reconcile.training.gather import TrainingGatherer

__all__ = ["training_jobs"]


def training_jobs(
    gatherer: TrainingGatherer, closer: RunCloser, *, decide: Callable[[Observed], Decision]
) -> Kind[TrainingJobSpec, TrainingJobStatus, Observed]:
    """``closer`` ends the run of an object that is deleted."""
    return Kind(
        plural="trainingjobs",
        spec=TrainingJobSpec,
        status=TrainingJobStatus,
        outcome="Succeeded",
        gather=gatherer.gather,
        decide=decide,
        connection=lambda spec: spec.tracking.connection_ref,
        refers=_refers,
        announces=changed_models,
        finalize=closer.finalize,
        owes=closer.owes,
    )


def _refers(place: Place, spec: TrainingJobSpec) -> Iterator[Topic]:
    """Models that are inputs by alias: a run may wait for one that another training registers."""
    for source in spec.inputs or ():
        named = aliased(source.uri)
        if named is not None and place.registry is not None:
            yield registered_model(place.registry, named[0])
