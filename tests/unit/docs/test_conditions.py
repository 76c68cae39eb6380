"""docs/reference/conditions.md has every condition of a ModelDeployment, and every reason that the plan can write."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from rollmodel.evidence.core.samples import NoEvidenceReason

from tests.support.reference.reasons import Reasons, reasons_of
from tests.support.simulation.rollouts import Cluster, spec

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")
PLAN = REPOSITORY / "operator" / "rollmodel" / "plan"
#: What the plan writes and does not name itself: by file, where the word comes from.
PASSED_ON = {
    ("deployment/analysis/problems.py", "note.reason.value"),  # the judge
    ("deployment/routers/gateway_answers.py", "condition['reason']"),  # a Gateway
    ("deployment/status/pod_diagnostics.py", "_REASONED.fullmatch(line)"),  # the container that fetches a model
    ("deployment/status/pod_diagnostics.py", "condition.get('reason', 'FailedCreate')"),  # the Deployment controller
    ("deployment/strategies/steps/stages.py", "rollout.paused.partition(':')"),  # status: PAUSES
    ("pods/diagnostics.py", "waiting.get('reason', '')"),  # the kubelet: CANNOT_RUN
    ("training/lifecycle/create_lock.py", "f'Creating{what}'"),  # CREATING
}
CANNOT_RUN = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
PAUSES = {"Command", "Failure", "ManualStep", "Undecided"}
CREATING = {"CreatingRun", "CreatingVersion"}
#: Of things that no condition says: a rule that was not asked for.
NEVER_SAID = {"NotAsked"}


@cache
def _reasons() -> Reasons:
    return reasons_of(PLAN)


def test_every_reason_is_on_the_page() -> None:
    reasons = _reasons()
    assert reasons.unknown == PASSED_ON, "what the test cannot follow needs a word about where it comes from"
    written = reasons.texts | CANNOT_RUN | PAUSES | CREATING | {one.value for one in NoEvidenceReason}
    assert sorted(reason for reason in written - NEVER_SAID if f"`{reason}`" not in PAGE) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("a name of another file", "CandidateSilent"),
        ("of a ModelDeployment without a Gateway", "SplitByReplicas"),
        ("what a function returns", "TooFewRows"),
        ("the first of what a function returns", "BrokenData"),
        ("a parameter that a caller fills", "Suspected"),
        ("a method of a builder", "Registering"),
    ],
)
def test_a_reason_is_found_however_it_is_written(kind: str, reason: str) -> None:
    assert reason in _reasons().texts, kind


def test_every_condition_is_on_the_page_and_no_other() -> None:
    cluster = Cluster(spec())
    cluster.reconcile()
    table = PAGE.split("| condition |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [one["type"] for one in cluster.status["conditions"]]
