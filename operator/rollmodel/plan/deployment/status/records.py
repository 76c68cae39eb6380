"""Records of revisions that are believed: their hashes in status, which writers of ControllerRevisions cannot write.

A record that does not fit is removed and written anew, from the spec where that fits the hash, else from the
Deployment. A status of a release that kept no hashes believes what it finds, and from then on nothing else.
"""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import RecordStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["RECORD_CHANGED", "believed_records", "changed_records"]

RECORD_CHANGED = "RecordChanged"


def believed_records(rollout: Rollout) -> list[RecordStatus]:
    """The hashes of records that are there and believed, and of those that this pass writes."""
    hashes = {
        identity: rollout.live.hashes.get(identity) or revisions.content_hash(found)
        for identity, found in rollout.live.records.items()
    }
    for arm in (rollout.stable, rollout.candidate):
        revision = None if arm is None or arm.revision in hashes else rollout.revision(arm.revision)
        if revision is not None:
            planned = revisions.record(rollout.owner, revision, rollout.observed.generation)
            hashes[revision.id] = revisions.content_hash(planned)
    return [RecordStatus(revision=identity, hash=hashes[identity]) for identity in sorted(hashes)]


def changed_records(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, once a record was not believed."""
    changed = sorted(record["metadata"]["name"] for record in rollout.live.not_believed)
    if changed:
        message = (
            f"ControllerRevision {', '.join(changed)} does not say what the operator wrote, and is ignored and removed:"
            " who may write ControllerRevisions here?"
        )
        return {RECORD_CHANGED: ConditionDraft("True", "RecordIgnored", message)}
    before = find(rollout.observed.status.conditions, RECORD_CHANGED)
    return {} if before is None else {RECORD_CHANGED: ConditionDraft("False", "RecordsFit", "")}
