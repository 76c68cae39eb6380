"""ConfigMaps that changed under a revision: pods that start from then on run with what nobody has judged.

They are read while pods start, since that is when pods read them; at rest nothing is asked. What was seen then stays
said until the next time. Secrets are not read: the operator has no right to.
"""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment.status import ArmStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.objects.config_maps import config_maps_of
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change

__all__ = ["CONFIG_CHANGED", "changed_configuration", "with_configuration"]

CONFIG_CHANGED = "ConfigChanged"


def with_configuration(arm: ArmStatus, rollout: Rollout) -> ArmStatus:
    """The arm with what its ConfigMaps hold, once, when its pods were first seen to start."""
    deployment, seen = rollout.live.deployments.get(arm.revision), rollout.observed.config_maps
    if arm.config_maps is not None or deployment is None or not seen:
        return arm
    found = {name: seen[name] for name in config_maps_of(deployment) if name in seen}
    return change(arm, config_maps=found) if found else arm


def changed_configuration(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, where something is known: it is there once a ConfigMap was seen to have changed."""
    told = [text for arm in _arms(rollout) for text in _changes(arm, rollout)]
    if told:
        return {CONFIG_CHANGED: ConditionDraft("True", "ConfigMapChanged", "; ".join(told))}
    unseen = not rollout.observed.config_maps and any(arm.config_maps for arm in _arms(rollout))
    if unseen or find(rollout.observed.status.conditions, CONFIG_CHANGED) is None:
        return {}
    return {CONFIG_CHANGED: ConditionDraft("False", "AsBegun", "")}


def _arms(rollout: Rollout) -> list[ArmStatus]:
    return [arm for arm in (rollout.stable, rollout.candidate) if arm is not None]


def _changes(arm: ArmStatus, rollout: Rollout) -> list[str]:
    seen = rollout.observed.config_maps
    changed = [name for name, begun in (arm.config_maps or {}).items() if seen.get(name, begun) != begun]
    if not changed:
        return []
    names, version = ", ".join(changed), rollout.label(arm.revision)
    text = (
        f"ConfigMap {names} has changed since {version} began: pods that start now run with what nobody has judged;"
        " give new content a new name, and it is tried like a new version"
    )
    return [text]
