"""What pages name exists: files, settings, targets of make, modules to run, and words of the code.

A page that speaks of a file that was renamed sends its reader nowhere. History may name what is gone: CHANGELOG.md is
not read here, nor are templates of generated pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
TOPS = ("operator", "tests", "localcluster", "charts", "demo", "docs", "examples", "config", "crds", "requirements")
PAGES = [
    *(path for path in sorted(REPOSITORY.glob("*.md")) if path.name != "CHANGELOG.md"),
    *(path for top in TOPS for path in sorted((REPOSITORY / top).rglob("*.md")) if "bench" not in path.parts),
]
ADRS = sorted((REPOSITORY / "docs" / "adr").glob("*.md"))
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
#: What stands for any name, and folders that a command makes.
_ANY = re.compile(r"NAME|VERSION|\*")
_MADE = {"dist/", "out/"}
#: Words of other projects that our code has no use for.
_OF_OTHERS = {"supportedFeatures"}
#: Fields of Pods and HTTPRoutes, and those of which an ADR says why they went.
_FIELDS_OF_OTHERS = {
    *("spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.podIP", "spec.rules"),
    *("holdOff.afterScaleSeconds", "reference.training.uri", "source.logs"),
}
#: Its left column has the fields of other tools.
TRANSLATION = REPOSITORY / "docs" / "guides" / "coming-from.md"


@cache
def _paths() -> frozenset[str]:
    """Every file and folder, by each ending of its path: ``plan/decision.py`` is one."""
    found = set()
    for path in [*REPOSITORY.iterdir(), *(path for top in TOPS for path in (REPOSITORY / top).rglob("*"))]:
        if "__pycache__" in path.parts:
            continue
        parts = path.relative_to(REPOSITORY).parts
        found |= {"/".join(parts[start:]) for start in range(len(parts))}
    return frozenset(found)


@cache
def _rooms() -> frozenset[str]:
    """What a path of this repository begins with."""
    inside = [REPOSITORY / "operator" / "rollmodel", REPOSITORY / "tests", REPOSITORY / "localcluster"]
    return frozenset({*TOPS, *(path.name for folder in inside for path in folder.iterdir() if path.is_dir())})


@cache
def _sources() -> str:
    """All code, manifests and charts: not the pages, and not this file, which makes names up."""
    endings = {".py", ".yaml", ".yml", ".json", ".toml", ".lua", ".txt", ".tpl", ".html", ".j2", ".css", ".js", ".tf"}
    files = [
        path
        for top in TOPS
        for path in sorted((REPOSITORY / top).rglob("*"))
        if path.suffix in endings and path != Path(__file__)
    ]
    files += [REPOSITORY / name for name in ("Makefile", "pyproject.toml", "Dockerfile", "docs_site.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def _words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", _sources()))


def missing_paths(text: str) -> list[str]:
    """Paths in backticks that look like ours and are not there."""
    named = {one.strip() for one in _CODE.findall(text)}
    ours = {
        path
        for path in named
        if re.fullmatch(r"[\w./-]+", path)
        and (path.endswith(".py") or (path.partition("/")[0] in _rooms() and "/" in path))
        and not _ANY.search(path)
    }
    return sorted(path for path in ours - _MADE if path.rstrip("/") not in _paths())


def missing_settings(text: str) -> list[str]:
    """Environment variables of ours that no code knows; settings are written in lower case there."""
    return sorted(
        name
        for name in set(re.findall(r"\bROLLMODEL_[A-Z_]*[A-Z]\b", text))
        if name not in _words() and name.removeprefix("ROLLMODEL_").lower() not in _words()
    )


def missing_targets(text: str) -> list[str]:
    """Targets of make, in backticks or at the beginning of a line of a console."""
    made = re.findall(r"`make ([a-z][a-z0-9-]*)", text)
    made += re.findall(r"^make ([a-z][a-z0-9-]*)", "\n".join(_FENCE.findall(text)), re.MULTILINE)
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    return sorted(set(made) - targets)


def missing_modules(text: str) -> list[str]:
    """Modules of ours that are to be run with ``python -m``."""
    named = {name.rstrip(".") for name in re.findall(r"python -m ((?:tests|demo|charts|localcluster)[\w.]*)", text)}
    places = {name: REPOSITORY / name.replace(".", "/") for name in named}
    return sorted(
        name for name, at in places.items() if not (at / "__main__.py").exists() and not at.with_suffix(".py").exists()
    )


def missing_words(text: str) -> list[str]:
    """Names of functions, classes and fields in backticks that occur nowhere outside the pages."""
    named = {one.rstrip("()") for one in _CODE.findall(text)}
    like_code = re.compile(r"_?[a-z]+(?:_[a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+")
    return sorted(
        name for name in named if like_code.fullmatch(name) and name not in _OF_OTHERS and name not in _words()
    )


@cache
def _schemas() -> tuple[dict[str, Any], ...]:
    """The schemas of our kinds; names of others' fields that pages quote are in ``_FIELDS_OF_OTHERS``."""
    crds = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((REPOSITORY / "crds").glob("*.yaml"))]
    return tuple(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in crds)


def _is_field(schema: dict[str, Any], parts: Sequence[str]) -> bool:
    for part in parts:
        while schema.get("type") == "array":
            schema = schema["items"]
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        values = schema.get("additionalProperties")
        found = schema.get("properties", {}).get(part, values if isinstance(values, dict) else None)
        if found is None:
            return False
        schema = found
    return True


def missing_fields(text: str) -> list[str]:
    """Paths such as ``spec.rollout.steps`` or ``rollout.steps`` in backticks that no kind of ours has."""
    top = {name for schema in _schemas() for name in schema["properties"]["spec"]["properties"]}
    found = []
    for one in {code.partition(":")[0].strip() for code in _CODE.findall(text)} - _FIELDS_OF_OTHERS:
        if one.endswith(".py") or not re.fullmatch(r"[a-zA-Z]+(?:\[\d*\])?(?:\.[a-zA-Z]+(?:\[\d*\])?)+", one):
            continue
        parts = re.sub(r"\[\d*\]", "", one).split(".")
        path = parts if parts[0] in ("spec", "status") else ["spec", *parts]
        if (path is parts or parts[0] in top) and not any(_is_field(schema, path) for schema in _schemas()):
            found.append(one)
    return sorted(found)


def _id(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [missing_paths(text), missing_settings(text), missing_targets(text), missing_modules(text)] == [[]] * 4


@pytest.mark.parametrize("page", [page for page in PAGES if page != TRANSLATION], ids=_id)
def test_fields_are_those_of_the_api(page: Path) -> None:
    assert missing_fields(page.read_text(encoding="utf-8")) == []


def reasons_of(runbook: str) -> set[str]:
    """Reasons in the first column of its table."""
    table = runbook.partition("\n| reason |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in _CODE.findall(row)}


@pytest.mark.parametrize("page", sorted((REPOSITORY / "docs" / "runbooks").glob("R*l*.md")), ids=_id)
def test_reasons_of_a_runbook_are_on_the_page_of_conditions(page: Path) -> None:
    known = set(_CODE.findall((REPOSITORY / "docs/reference/conditions.md").read_text(encoding="utf-8")))
    assert reasons_of(page.read_text(encoding="utf-8")) - known == set()


@pytest.mark.parametrize("page", [*ADRS, REPOSITORY / "CONTRIBUTING.md"], ids=_id)
def test_words_of_the_code_are_those_of_today(page: Path) -> None:
    assert missing_words(page.read_text(encoding="utf-8")) == []


def test_each_kind_of_mistake_is_found() -> None:
    text = "`plan/gone.py` `plan/decision.py` `reconcile/gone/` `NAME.py`; `python -m tests.gone`, `make gone`"
    assert missing_paths(text) == ["plan/gone.py", "reconcile/gone/"]
    assert missing_modules(text) == ["tests.gone"]
    assert missing_targets(text) == ["gone"]
    assert missing_settings("`ROLLMODEL_GONE_SECONDS` and ROLLMODEL_CONCURRENCY") == ["ROLLMODEL_GONE_SECONDS"]
    assert missing_fields("`spec.gone.now` `spec.rollout.steps[].weight` `rollout.gone` `a.b`") == [
        "rollout.gone",
        "spec.gone.now",
    ]
    assert reasons_of("\n| reason | what |\n|---|---|\n| `One`, `Two` | `three` |\n\n| `Four` |\n") == {"One", "Two"}
    assert missing_words("`no_such_name` `run_to_fixpoint` `deadlineSeconds` `NoSuchClass` `a word`") == [
        "NoSuchClass",
        "no_such_name",
    ]


def test_each_decision_has_its_own_number() -> None:
    for page in ADRS:
        numbers = re.findall(
            r"^(\d+)\. ",
            page.read_text(encoding="utf-8").partition("## Decisions")[2].partition("\n## ")[0],
            re.MULTILINE,
        )
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)], page.name


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_a_decision_that_is_referred_to_exists(page: Path) -> None:
    for name, number in re.findall(r"\bADR (\d+)\.(\d+)\b", page.read_text(encoding="utf-8")):
        (adr,) = (one for one in ADRS if one.name.startswith(f"{int(name):04}-"))
        assert re.search(rf"^ *{number}\. ", adr.read_text(encoding="utf-8"), re.MULTILINE), f"ADR {name}.{number}"
