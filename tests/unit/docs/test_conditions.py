"""docs/reference/conditions.md has every condition of a ModelDeployment, and the reasons that plans write by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
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


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts that have a name at the top of a file, by that name."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


@cache
def _known(path: Path) -> dict[str, str]:
    """Constants of a file, its own and those that it imports from another file of the plan."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = _constants(tree)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rollmodel.plan."):
            source = PLAN.parent.joinpath(*str(node.module).split(".")[1:]).with_suffix(".py")
            theirs = _constants(ast.parse(source.read_text(encoding="utf-8"))) if source.is_file() else {}
            found |= {alias.name: theirs[alias.name] for alias in node.names if alias.name in theirs}
    return found


def _reasons(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = PLACES.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and place is not None and len(node.args) > place:
            parts = list(ast.walk(node.args[place]))
            said = [part.value for part in parts if isinstance(part, ast.Constant)]
            said += [_known(path).get(part.id, "") for part in parts if isinstance(part, ast.Name)]
            yield from (one for one in said if isinstance(one, str) and one[:1].isupper())


def test_every_reason_is_on_the_page() -> None:
    rooms = ("deployment", "training", "drift")
    files = [*(path for room in rooms for path in (PLAN / room).rglob("*.py")), PLAN / "pods" / "diagnostics.py"]
    reasons = {reason for path in files for reason in _reasons(path)}
    assert "CandidateSilent" in reasons, "also those that have a name in the code"
    assert len(reasons) > 30
    assert sorted(reason for reason in reasons if f"`{reason}`" not in PAGE) == []


def test_every_condition_is_on_the_page_and_no_other() -> None:
    cluster = Cluster(spec())
    cluster.reconcile()
    table = PAGE.split("| condition |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [one["type"] for one in cluster.status["conditions"]]
