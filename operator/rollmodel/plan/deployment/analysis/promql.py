"""PromQL, piece by piece: what the runtime's preset counts, and what the user wrote.

Both arms come in one answer, told apart by our own revision label; series carry ``pod``, the revision, and ``role``
(``bad`` and ``total``, ``sum`` and ``count``) or ``le``. User queries may use a fixed set of names as ``{{ name }}``
and nothing else of Jinja: no loops, calls, filters or attributes. A template is only read, never run, so a query can
neither reach out nor grow without bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from rollmodel.api.modeldeployment import Metric, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan import naming
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.deployment.runtimes.preset import Counter, Counts, Histogram

__all__ = ["BY_POD", "REVISION_LABEL", "measured", "rendered", "roles", "scope", "summed"]

#: Our labels as Prometheus' pod discovery writes them.
OWNER_LABEL = "rollmodel_dev_model_deployment"
REVISION_LABEL = "rollmodel_dev_revision"

BY_POD = f"pod, {REVISION_LABEL}"
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_GRAMMAR = Environment(autoescape=False)  # noqa: S701 - PromQL, and nothing is rendered by it
_HARMLESS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)


def scope(
    namespace: str,
    name: str,
    *,
    stable: str,
    candidate: str | None,
    interval_seconds: int,
    cluster: str = "",
    pods: str | None = None,
) -> dict[str, str]:
    """The names that a query may use, each of them made of characters that need no escaping in PromQL.

    ``namespace``, ``name``, ``stable`` and ``candidate`` (revisions), ``window`` (e.g. ``10s``), and ``selector``:
    matchers for the pods of the revisions that are compared; without ``candidate`` those of the stable one alone.
    ``cluster`` are further matchers, of the operator's settings, which the selector begins with;
    ``pods`` is one for some of the pods, which it ends with. A revision comes from a status, which others may have been
    let write: one that is none of ours is not asked about.
    """
    stable, candidate = (one if one and _REVISION.fullmatch(one) else "" for one in (stable, candidate))
    revisions = "|".join(revision for revision in (stable, candidate) if revision)
    matchers = (
        *([cluster] if cluster else []),
        f'namespace="{namespace}"',
        f'{OWNER_LABEL}="{naming.label_value(name)}"',
        f'{REVISION_LABEL}=~"{revisions}"',
        *([pods] if pods else []),
    )
    return {
        "namespace": namespace,
        "name": name,
        "stable": stable,
        "candidate": candidate,
        "window": f"{interval_seconds}s",
        "selector": ",".join(matchers),
    }


def rendered(metric: Metric, template: str, words: Mapping[str, str]) -> str:
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


def measured(metric: Metric, runtime: Runtime) -> Counts | Histogram:
    """What the runtime preset counts for the metric's preset. Raises Invalid where it cannot measure that."""
    assert metric.preset is not None  # noqa: S101 - signals of presets ask
    server = PRESETS[runtime.preset]
    found = server.measures.get(metric.preset)
    if found is None:
        raise Invalid(f"metric '{metric.name}': {server.cannot[metric.preset]}", reason="CannotMeasure")
    return found


def summed(counter: Counter, selector: str, by: str = BY_POD) -> str:
    """The sum of a counter of the server by pod and revision."""
    matchers = ",".join(part for part in (selector, counter.matchers) if part)
    names = [name for name in (counter.metric, counter.or_metric) if name is not None]
    return f"sum by ({by}) ({' or '.join(f'{name}{{{matchers}}}' for name in names)})"


def roles(**counters: str) -> str:
    """Several counters in one answer, told apart by the label ``role``."""
    return " or ".join(f'label_replace({text}, "role", "{role}", "", "")' for role, text in counters.items())
