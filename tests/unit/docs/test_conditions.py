"""docs/reference/conditions.md has every condition of a ModelDeployment, and every reason that the plan writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.simulation.rollouts import Cluster, spec

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")
PLAN = REPOSITORY / "operator" / "rollmodel" / "plan"
#: Which argument of a call is a reason.
PLACES = {
    "ConditionDraft": 1,
    "AnalysisResult": 1,
    "Summary": 0,
    "Problem": 0,
    "Diagnosis": 0,
    "ObservedTraffic": 2,
}


def _named(paths: Iterable[Path]) -> dict[str, str]:
    """Texts that have a name at the top of a file, by that name."""
    return {
        node.targets[0].id: node.value.value
        for path in paths
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _reasons(path: Path, named: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = PLACES.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and place is not None and len(node.args) > place:
            parts = list(ast.walk(node.args[place]))
            said = [part.value for part in parts if isinstance(part, ast.Constant)]
            said += [named.get(part.id, "") for part in parts if isinstance(part, ast.Name)]
            yield from (one for one in said if isinstance(one, str) and one[:1].isupper())


def test_every_reason_is_on_the_page() -> None:
    files = [*(PLAN / "deployment").rglob("*.py"), PLAN / "pods" / "diagnostics.py"]
    named = _named(PLAN.rglob("*.py"))
    reasons = {reason for path in files for reason in _reasons(path, named)}
    assert "CandidateSilent" in reasons, "also those that have a name in the code"
    assert len(reasons) > 30
    assert sorted(reason for reason in reasons if f"`{reason}`" not in PAGE) == []


def test_every_condition_is_on_the_page_and_no_other() -> None:
    cluster = Cluster(spec())
    cluster.reconcile()
    table = PAGE.split("| condition |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [one["type"] for one in cluster.status["conditions"]]
