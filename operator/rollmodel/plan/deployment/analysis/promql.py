"""PromQL of a metric: from the runtime's preset, or from what the user wrote.

Both arms come in one answer, told apart by our own revision label; series carry ``pod``, the revision, and ``role``
(``bad`` and ``total``, ``sum`` and ``count``) or ``le``. User queries may use a fixed set of names as ``{{ name }}``
and nothing else of Jinja: no loops, calls, filters or attributes. A template is only read, never run, so a query can
neither reach out nor grow without bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from rollmodel.api.modeldeployment import Metric, MetricPreset, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan import naming
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.deployment.runtimes.preset import Counter, Counts, Histogram

__all__ = ["REVISION_LABEL", "promql", "scope"]

#: Our labels as Prometheus' pod discovery writes them.
OWNER_LABEL = "rollmodel_dev_model_deployment"
REVISION_LABEL = "rollmodel_dev_revision"

_BY = f"pod, {REVISION_LABEL}"
_GRAMMAR = Environment(autoescape=False)  # noqa: S701 - PromQL, and nothing is rendered by it
_HARMLESS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)


def scope(namespace: str, name: str, *, stable: str, candidate: str | None, interval_seconds: int) -> dict[str, str]:
    """The names that a query may use, each of them made of characters that need no escaping in PromQL.

    ``namespace``, ``name``, ``stable`` and ``candidate`` (revisions), ``window`` (e.g. ``10s``), and ``selector``:
    matchers for the pods of the revisions that are compared; without ``candidate`` those of the stable one alone.
    """
    revisions = "|".join(revision for revision in (stable, candidate) if revision)
    matchers = (
        f'namespace="{namespace}"',
        f'{OWNER_LABEL}="{naming.label_value(name)}"',
        f'{REVISION_LABEL}=~"{revisions}"',
    )
    return {
        "namespace": namespace,
        "name": name,
        "stable": stable,
        "candidate": candidate or "",
        "window": f"{interval_seconds}s",
        "selector": ",".join(matchers),
    }


def promql(metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
    """The query of a metric. Raises Invalid: the preset cannot measure it, or a template is wrong."""
    if metric.value is not None:
        return _rendered(metric, metric.value.query, words)
    if metric.counts is not None:
        bad, total = metric.counts.bad, metric.counts.total
        return _roles(bad=_rendered(metric, bad, words), total=_rendered(metric, total, words))
    if metric.mean is not None:
        added, count = metric.mean.sum, metric.mean.count
        return _roles(sum=_rendered(metric, added, words), count=_rendered(metric, count, words))
    if metric.preset is None:
        kinds = "`preset`, `counts`, `mean`, `value`"
        raise Invalid(f"metric '{metric.name}' must have one of {kinds}", reason="InvalidMetric")
    return _preset(metric, metric.preset, runtime, words["selector"])


def _rendered(metric: Metric, template: str, words: Mapping[str, str]) -> str:
    """The template with its names filled in. Raises Invalid."""
    try:
        pieces = _pieces(template)
    except TemplateError as error:
        raise Invalid(f"metric '{metric.name}': {error}", reason="InvalidQuery") from error
    except ValueError as error:
        raise Invalid(f"metric '{metric.name}': {error}", reason="InvalidQuery") from None
    for text, is_name in pieces:
        if is_name and text not in words:
            known = ", ".join(words)
            raise Invalid(f"metric '{metric.name}': '{text}' is not one of {known}", reason="InvalidQuery")
    return "".join(words[text] if is_name else text for text, is_name in pieces)


@lru_cache(maxsize=512)
def _pieces(template: str) -> tuple[tuple[str, bool], ...]:
    """A template as text and names, each with whether it is a name. Raises ValueError where it holds anything else."""
    return tuple(_read(_GRAMMAR.parse(template)))


def _read(tree: nodes.Template) -> Iterator[tuple[str, bool]]:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _HARMLESS):
            raise ValueError("a query may use {{ name }} only")  # noqa: TRY004 - it is what a user wrote
        if isinstance(node, nodes.Name):
            yield node.name, True
        elif isinstance(node, nodes.TemplateData):
            yield node.data, False


def _preset(metric: Metric, preset: MetricPreset, runtime: Runtime, selector: str) -> str:
    server = PRESETS[runtime.preset]
    measured = server.measures.get(preset)
    if measured is None:
        raise Invalid(f"metric '{metric.name}': {server.cannot[preset]}", reason="CannotMeasure")
    if isinstance(measured, Counts):
        return _roles(bad=_sum(measured.bad, selector), total=_sum(measured.total, selector))
    if preset is MetricPreset.SLOW_REQUESTS:
        return _slow(metric, measured, selector)
    return _sum(measured.buckets, selector, by=f"{_BY}, le")


def _slow(metric: Metric, histogram: Histogram, selector: str) -> str:
    """Requests above a bucket's edge. Where there is no such edge there is no ``total`` either: nothing is judged."""
    if metric.slower_than_seconds is None:
        raise Invalid(f"metric '{metric.name}' must have `slowerThanSeconds`", reason="InvalidMetric")
    every = _sum(histogram.buckets, f'{selector},le="+Inf"')
    fast = _sum(histogram.buckets, f'{selector},le=~"{_edge(metric.slower_than_seconds)}"')
    return _roles(bad=f"{every} - {fast}", total=f"{every} and {fast}")


def _edge(seconds: str) -> str:
    """A regex for the ways in which servers write a bucket's upper bound: ``1`` or ``1.0``."""
    plain = format(Decimal(seconds).normalize(), "f")
    written: Sequence[str] = [plain] if "." in plain else [plain, f"{plain}.0"]
    return "|".join(one.replace(".", r"\\.") for one in written)


def _sum(counter: Counter, selector: str, by: str = _BY) -> str:
    matchers = ",".join(part for part in (selector, counter.matchers) if part)
    names = [name for name in (counter.metric, counter.or_metric) if name is not None]
    return f"sum by ({by}) ({' or '.join(f'{name}{{{matchers}}}' for name in names)})"


def _roles(**counters: str) -> str:
    """Several counters in one answer, told apart by the label ``role``."""
    return " or ".join(f'label_replace({text}, "role", "{role}", "", "")' for role, text in counters.items())
