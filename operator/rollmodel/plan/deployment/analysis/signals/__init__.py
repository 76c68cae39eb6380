"""Signals: the ways in which a candidate can be measured. A new one is a file here and a line in ``SIGNALS``."""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.api.modeldeployment import Metric, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.analysis.signals.counts import Counts
from rollmodel.plan.deployment.analysis.signals.latency import Latency
from rollmodel.plan.deployment.analysis.signals.means import Means
from rollmodel.plan.deployment.analysis.signals.paired import Paired
from rollmodel.plan.deployment.analysis.signals.paired_mean import PairedMean
from rollmodel.plan.deployment.analysis.signals.signal import Signal
from rollmodel.plan.deployment.analysis.signals.value import Value

__all__ = ["SIGNALS", "promql", "signal_of"]

SIGNALS: tuple[Signal, ...] = (Counts(), Latency(), Means(), Value(), Paired(), PairedMean())


def signal_of(metric: Metric) -> Signal:
    """The signal that a metric asks for. Raises Invalid where it asks for none."""
    for signal in SIGNALS:
        if signal.measures(metric):
            return signal
    kinds = "`preset`, `counts`, `mean`, `value`, `paired`"
    raise Invalid(f"metric '{metric.name}' must have one of {kinds}", reason="InvalidMetric")


def promql(metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
    """The query of a metric. Raises Invalid: the preset cannot measure it, or a template is wrong."""
    return signal_of(metric).query(metric, runtime, words)
