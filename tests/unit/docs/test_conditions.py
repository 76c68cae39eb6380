"""docs/reference/conditions.md has every condition of a ModelDeployment, and every reason that the plan writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.simulation.rollouts import Cluster, spec

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")
PLAN = REPOSITORY / "operator" / "rollmodel" / "plan"
#: Which argument of a call is a reason.
PLACES = {"ConditionDraft": 1, "Summary": 0, "Problem": 0, "Diagnosis": 0, "ObservedTraffic": 2}


def _reasons(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = PLACES.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and place is not None and len(node.args) > place:
            constants = (one for one in ast.walk(node.args[place]) if isinstance(one, ast.Constant))
            yield from (one.value for one in constants if isinstance(one.value, str) and one.value[:1].isupper())


def test_every_reason_is_on_the_page() -> None:
    files = [*(PLAN / "deployment").rglob("*.py"), PLAN / "pods" / "diagnostics.py"]
    reasons = {reason for path in files for reason in _reasons(path)}
    assert len(reasons) > 30
    assert sorted(reason for reason in reasons if f"`{reason}`" not in PAGE) == []


def test_every_condition_is_on_the_page_and_no_other() -> None:
    cluster = Cluster(spec())
    cluster.reconcile()
    table = PAGE.split("| condition |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [one["type"] for one in cluster.status["conditions"]]
