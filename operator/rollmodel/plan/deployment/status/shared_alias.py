"""Two ModelDeployments that move the same ``championAlias``: the younger says so, as long as it is so."""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["ALIAS_SHARED", "shared_alias"]

ALIAS_SHARED = "AliasShared"


def shared_alias(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, where another one moves our alias, or did."""
    other, source = rollout.observed.alias_shared, rollout.spec.model.registry
    if other is not None and source is not None:
        message = (
            f"ModelDeployment {other} is older and moves alias '{source.champion_alias}' of '{source.name}' too: each"
            " promotion of one overwrites the other's; give each a `championAlias` of its own"
        )
        return {ALIAS_SHARED: ConditionDraft("True", "ChampionAliasShared", message)}
    if find(rollout.observed.status.conditions, ALIAS_SHARED) is None:
        return {}
    return {ALIAS_SHARED: ConditionDraft("False", "OneOwner", "")}
