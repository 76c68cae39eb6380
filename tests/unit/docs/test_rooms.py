"""Two rules of ADR 6: names are words to search for, and a folder holds about a dozen files that a package explains."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
MODULES = [
    path
    for top in ("operator", "localcluster", "charts", "demo", "tests")
    for path in sorted((REPOSITORY / top).rglob("*.py"))
]
#: About a dozen. Who needs one more finds what some of them have in common, and makes that a folder.
MOST = 13


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_no_folder_is_crowded() -> None:
    rooms = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(room.relative_to(REPOSITORY)): count for room, count in rooms.items() if count > MOST} == {}


PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES, ids=[str(path.parent.relative_to(REPOSITORY)) for path in PACKAGES])
def test_a_package_says_what_it_is_about(package: Path) -> None:
    assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))


#: Names that needed their author, by what they are called today (ADR 6).
OLD_MODULES = {
    "look": "context",
    "sight": "analysis/result",
    "memory": "state, history",
    "world": "live, snapshot",
    "endings": "transitions",
    "goingon": "active",
    "jobend": "job_outcome",
    "wants": "read_set",
    "pulse": "watchdog",
    "lanes": "bulkhead",
    "feed": "alias_poller",
    "podtrouble": "pod_diagnostics",
    "scheduledruns": "cron_runs",
    "opening": "read_state",
    "acting": "execution_state",
    "guests": "foreign_routes",
}
OLD_DEFINITIONS = {
    "Look": "Context",
    "Sight": "AnalysisResult",
    "Memory": "RolloutState, JudgeHistory",
    "World": "LiveObjects, Snapshot",
    "Wants": "ReadSet",
    "Pulse": "Watchdog",
    "Opinion": "MetricOpinion",
    "Wish": "BeginRequest",
    "Acting": "ExecutionState",
    "Guests": "ForeignRoutes",
    "hear": "analyse",
    "recall": "from_status",
    "go_on": "advance",
    "patiently": "retry",
}


@pytest.mark.parametrize("top", ["operator", "localcluster", "charts", "demo"])
def test_old_names_do_not_come_back(top: str) -> None:
    for path in (path for path in MODULES if path.is_relative_to(REPOSITORY / top)):
        assert path.stem not in OLD_MODULES, f"{path}: today it is called {OLD_MODULES.get(path.stem)}"
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = node.name.lstrip("_")
                assert name not in OLD_DEFINITIONS, f"{path}: {node.name} is called {OLD_DEFINITIONS.get(name)} today"


def imports_of(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    """By module: which of the others it imports, wherever in the file."""
    found: dict[str, set[str]] = {}
    for name, tree in modules.items():
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[name] = {one.removeprefix("rollmodel.") for one in named} & set(modules) - {name}
    return found


def circles(imports: dict[str, set[str]]) -> set[frozenset[str]]:
    """Groups of modules of which each leads to each other."""
    reached = {start: {start} for start in imports}
    for start, seen in reached.items():
        ahead = list(imports[start])
        while ahead:
            if (one := ahead.pop()) not in seen:
                seen.add(one)
                ahead.extend(imports[one])
    groups = {frozenset(other for other in seen if start in reached[other]) for start, seen in reached.items()}
    return {group for group in groups if len(group) > 1}


def test_no_files_are_tied_in_a_circle() -> None:
    package = REPOSITORY / "operator" / "rollmodel"
    paths = [path for path in MODULES if path.is_relative_to(package) and path.name != "__init__.py"]
    modules = {".".join(path.relative_to(package).with_suffix("").parts): _tree(path) for path in paths}
    assert circles(imports_of(modules)) == set()


def test_a_circle_is_found() -> None:
    texts = {
        "a": "from rollmodel.b import x",
        "b": "from rollmodel import c",
        "c": "from rollmodel.a import y",
        "d": "import a",
    }
    found = imports_of({name: ast.parse(text) for name, text in texts.items()})
    assert circles(found) == {frozenset("abc")}


#: Rooms of tests for what is no package of the operator.
OTHER_ROOMS = {
    "argocd",
    "bench",
    "e2e",
    "fuzz",
    "monitoring",
    "support",
    "plan/recorded",
    "plan/deployment/objects/golden",
}
UNIT = REPOSITORY / "tests" / "unit"


def test_tests_mirror_the_rooms() -> None:
    tops = [REPOSITORY, REPOSITORY / "operator" / "rollmodel"]
    rooms = {path.parent.relative_to(UNIT).as_posix() for path in MODULES if path.is_relative_to(UNIT)} - {"."}
    mirrored = {room for room in rooms if any((top / room).is_dir() or (top / f"{room}.py").exists() for top in tops)}
    others = {room for room in rooms - mirrored if not any(f"{room}/".startswith(f"{one}/") for one in OTHER_ROOMS)}
    assert others == set()
