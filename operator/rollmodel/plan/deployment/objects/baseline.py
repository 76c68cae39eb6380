"""The paired baseline: a revision with a name of its own over what the record of the stable one says.

So names, labels, Services, queries and weights treat it as any revision. It has no record: it is made anew from that of
the stable revision as long as there is one, and goes when its candidate ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.plan import naming
from rollmodel.plan.canonical import canonical_json
from rollmodel.plan.deployment.objects.revision import Revision

__all__ = ["BASELINE_OF", "baseline_id", "baseline_revision"]

#: Annotation of its Deployment: the stable revision.
BASELINE_OF = f"{GROUP}/baseline-of"


def baseline_id(stable: str, candidate: str) -> str:
    """The name of the baseline of a stable revision beside a candidate: each candidate has fresh pods beside it."""
    return naming.short_hash(canonical_json({"baseline": [stable, candidate]}))


def baseline_revision(stable: Revision, identity: str) -> Revision:
    """What the stable revision runs, under the name ``identity``; its predictions are logged as stable's."""
    template: Mapping[str, Any] = _renamed(stable.template, stable.id, identity)
    return replace(stable, id=identity, template=template)


def _renamed(value: Any, old: str, new: str) -> Any:
    """With the label of the revision changed, in labels as in selectors."""
    if isinstance(value, Mapping):
        return {
            key: new if key == naming.REVISION and one == old else _renamed(one, old, new) for key, one in value.items()
        }
    return [_renamed(one, old, new) for one in value] if isinstance(value, list | tuple) else value
