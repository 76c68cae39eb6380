"""ConfigMaps and Secrets that changed under a revision: pods that start then run with what nobody has judged.

They are looked at while pods start, since that is when pods read them; at rest nothing is asked. What was seen then
stays said until the next time. Of Secrets only their resourceVersion is known, and only where the operator may read
them: it changes with each write, whatever was written.
"""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment.status import ArmStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.objects.configuration import config_maps_of, secrets_of
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change

__all__ = ["CONFIG_CHANGED", "changed_configuration", "with_configuration"]

CONFIG_CHANGED = "ConfigChanged"


def with_configuration(arm: ArmStatus, rollout: Rollout) -> ArmStatus:
    """The arm with what its ConfigMaps and Secrets are, once, when its pods were first seen to start."""
    deployment = rollout.live.deployments.get(arm.revision)
    if deployment is None:
        return arm
    if arm.config_maps is None and (found := _of(config_maps_of(deployment), rollout.observed.config_maps)):
        arm = change(arm, config_maps=found)
    if arm.secrets is None and (found := _of(secrets_of(deployment), rollout.observed.secrets)):
        arm = change(arm, secrets=found)
    return arm


def changed_configuration(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, where something is known: it is there once something was seen to have changed."""
    arms, observed = _arms(rollout), rollout.observed
    maps = [text for arm in arms for text in _told("ConfigMap", arm, arm.config_maps, observed.config_maps, rollout)]
    secrets = [text for arm in arms for text in _told("Secret", arm, arm.secrets, observed.secrets, rollout)]
    if maps or secrets:
        reason = "ConfigMapChanged" if maps else "SecretChanged"
        return {CONFIG_CHANGED: ConditionDraft("True", reason, "; ".join([*maps, *secrets]))}
    unseen = not (observed.config_maps or observed.secrets) and any(arm.config_maps or arm.secrets for arm in arms)
    if unseen or find(observed.status.conditions, CONFIG_CHANGED) is None:
        return {}
    return {CONFIG_CHANGED: ConditionDraft("False", "AsBegun", "")}


def _of(names: list[str], seen: Mapping[str, str]) -> dict[str, str]:
    return {name: seen[name] for name in names if name in seen}


def _arms(rollout: Rollout) -> list[ArmStatus]:
    return [arm for arm in (rollout.stable, rollout.candidate) if arm is not None]


def _told(
    kind: str, arm: ArmStatus, begun: Mapping[str, str] | None, seen: Mapping[str, str], rollout: Rollout
) -> list[str]:
    changed = [name for name, version in (begun or {}).items() if seen.get(name, version) != version]
    if not changed:
        return []
    names, label = ", ".join(changed), rollout.label(arm.revision)
    what = "has changed" if kind == "ConfigMap" else "was written"
    text = (
        f"{kind} {names} {what} since {label} began: pods that start now run with what nobody has judged;"
        " give new content a new name, and it is tried like a new version"
    )
    return [text]
