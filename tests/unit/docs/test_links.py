"""Every link of a page to another file, or to a heading, leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from rollmodel import __version__

REPOSITORY = Path(__file__).parents[3]
PAGES = sorted(
    path
    for folder in (".", "docs", "charts", "localcluster", "tests", "examples", "demo")
    for path in (REPOSITORY.glob("*.md") if folder == "." else (REPOSITORY / folder).rglob("*.md"))
    if "bench" not in path.parts  # templates of pages in docs
)
_FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)\)")


def links(text: str) -> Iterator[str]:
    plain = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    return (link for link in _LINK.findall(plain) if not re.match(r"(https?|mailto):", link))


@cache
def headings(page: Path) -> frozenset[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles)


def broken(page: Path) -> list[str]:
    found = []
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        wrong_anchor = anchor and target.suffix == ".md" and target.exists() and anchor not in headings(target)
        if not target.exists() or wrong_anchor:
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(REPOSITORY)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One, two: `three`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-two-three) [c](https://example.com) `[d](no.md)`\n```\n[e](no.md)\n```\n"
        "[f](nowhere.md) [g](there.md#four) [h](#five)\n"
    )
    assert broken(page) == ["nowhere.md", "there.md#four", "#five"]


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    newest = re.search(r"^## ([\d.]+)", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_the_licence_is_the_one_that_packages_name() -> None:
    first = (REPOSITORY / "LICENSE").read_text(encoding="utf-8").split("\n\n")[0]
    assert "Apache License" in first
    assert 'license = "Apache-2.0"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
