"""docs/reference/kubectl-columns.md shows what the API server prints."""

import re
from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster
from tests.support.apiserver import Api, spec_of

pytestmark = pytest.mark.cluster

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "kubectl-columns.md"
_TIME = "2026-01-01T00:00:00Z"


def _status(ready: str, reason: str, rollout: str, **arms: dict[str, Any]) -> dict[str, Any]:
    lines = {"Ready": (ready, reason), "Progressing": ("False" if rollout == "Idle" else "True", rollout)}
    conditions = [
        {"type": kind, "status": status, "reason": why, "message": "", "lastTransitionTime": _TIME}
        for kind, (status, why) in lines.items()
    ]
    return {"observedGeneration": 1, "conditions": conditions, **arms}


_V7, _V8 = {"revision": "b7c2", "modelVersion": "7"}, {"revision": "k9x4", "modelVersion": "8"}

#: In the order of the page.
STATUSES = [
    {},
    _status("False", "Installing", "Installing", candidate={**_V7, "weight": 0}),
    _status("True", "Serving", "Idle", stable={**_V7, "weight": 100}),
    _status("Unknown", "RollingOut", "Judging", stable=_V7, candidate={**_V8, "weight": 25}),
    _status("Unknown", "RollingOut", "Paused", stable=_V7, candidate={**_V8, "weight": 25}),
    _status("False", "Paused", "Paused", stable=_V7, candidate={**_V8, "weight": 50}),
    _status("Unknown", "RollingOut", "WaitingForMetrics", stable=_V7, candidate={**_V8, "weight": 0}),
    _status("False", "RolledBack", "Idle", stable={**_V7, "weight": 100}),
]

TABLES = re.findall(r"^    (NAME .*)\n    (churn.*)$", PAGE.read_text(), re.MULTILINE)


def _cells(header: str, row: str) -> dict[str, str]:
    """The row by column; a cell begins where its heading does."""
    headings = list(re.finditer(r"\S+", header))
    ends = [heading.start() for heading in headings[1:]] + [None]
    return {heading[0]: row[heading.start() : end].strip() for heading, end in zip(headings, ends, strict=True)}


def _shown(cluster: Cluster, api: Api, kind: str) -> dict[str, str]:
    header, row = cluster.kubectl("get", kind, "churn", "-n", api.namespace).splitlines()
    return _cells(header, row)


def _but_age(cells: dict[str, str]) -> dict[str, str]:
    assert cells["AGE"]
    return {name: text for name, text in cells.items() if name != "AGE"}


@pytest.mark.parametrize(
    ("table", "status"),
    list(zip(TABLES[:-1], STATUSES, strict=True)),
    ids=[str(number) for number in range(len(STATUSES))],
)
def test_a_situation_is_shown_as_the_page_says(
    cluster: Cluster, api: Api, table: tuple[str, str], status: dict[str, Any]
) -> None:
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    api.patch_status("ModelDeployment", status)
    assert _but_age(_shown(cluster, api, "mdep")) == _but_age(_cells(*table))


def test_a_training_run_is_shown_as_the_page_says(cluster: Cluster, api: Api) -> None:
    api.create("TrainingJob", spec_of("TrainingJob"))
    said = {"Succeeded": "Running", "GatesPassed": "NotEvaluated"}
    conditions = [
        {"type": kind, "status": "Unknown", "reason": reason, "message": "", "lastTransitionTime": _TIME}
        for kind, reason in said.items()
    ]
    status = {"conditions": conditions, "attempts": {"started": 2}, "progress": {"step": 400, "metrics": []}}
    api.patch_status("TrainingJob", status)
    assert _but_age(_shown(cluster, api, "tjob")) == _but_age(_cells(*TABLES[-1]))
