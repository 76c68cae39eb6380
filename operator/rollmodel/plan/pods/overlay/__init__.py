"""What people lay over pods: what of it may be set, and how it is merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rollmodel.errors import Invalid
from rollmodel.plan.pods.overlay.check import problems
from rollmodel.plan.pods.overlay.merge import merged
from rollmodel.plan.pods.overlay.shape import shape_problems, without_nulls

__all__ = ["lay_over"]

_SHOWN = 5


def lay_over(
    template: Mapping[str, Any],
    overlay: Mapping[str, Any],
    *,
    field: str,
    main: str,
    owned: Collection[str],
    selector: Mapping[str, str],
) -> dict[str, Any]:
    """The PodTemplateSpec ``template`` with ``overlay``, which stands at ``field`` of a spec.

    ``main`` is the container that serves, ``owned`` are volumes with verified files, ``selector`` are the labels that
    pods of the same revision have in common. Raises Invalid, which names what must not be set and what may be.
    """
    overlay = without_nulls(overlay)
    wrong = list(shape_problems(overlay)) or list(problems(template, overlay, main=main, owned=owned))
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        said = "; ".join([*(f"`{field}`.{problem}" for problem in wrong[:_SHOWN]), *more])
        raise Invalid(said, reason="InvalidSpec")
    return merged(template, overlay, selector=selector)
