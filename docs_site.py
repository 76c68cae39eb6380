"""Hooks of mkdocs: what of the repository becomes a page of the site, in which order, and where links lead there.

Pages are written for readers of the repository: links are paths in it. On the site a link to a page stays one, a file
that is linked comes along below ``files/``, and a link to a folder becomes its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["PAGES", "navigation", "on_config", "on_files", "on_page_markdown", "rewritten"]

ROOT = Path(__file__).parent

#: File of the repository outside docs/ -> page of the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing/index.md",
    "SECURITY.md": "contributing/security.md",
    "charts/rollmodel/README.md": "reference/chart.md",
    "localcluster/README.md": "contributing/localcluster.md",
    "tests/README.md": "contributing/tests.md",
}
#: Tabs with the pages that come first, as a newcomer needs them; the rest of their folder follows.
TABS: Mapping[str, Sequence[str]] = {
    "Start": ("index.md", "guides/serve-your-own-model.md", "guides/dashboard.md"),
    "Guides": ("guides/", "upgrades.md", "changelog.md"),
    "Concepts": (
        "concepts/evidence.md",
        "concepts/models.md",
        "concepts/strategies.md",
        "concepts/training.md",
        "concepts/drift.md",
        "concepts/drift-tables.md",
        "concepts/",
        "benchmarks.md",
        "benchmarks-peers.md",
    ),
    "Reference": ("reference/api.md", "reference/cli.md", "reference/settings.md", "reference/chart.md", "reference/"),
    "Runbooks": ("runbooks/README.md", "runbooks/"),
    "Decisions": ("adr/",),
    "Contributing": ("contributing/index.md", "contributing/"),
}
_FENCE = re.compile(r"^( {0,8})(```+|~~~+)")
_LINK = re.compile(r"(?<!`)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.) ")


def navigation(pages: Sequence[str]) -> list[dict[str, list[str]]]:
    """Every page in the first tab that wants it. Raises ValueError for one that none wants."""
    left, tabs = sorted(pages), []
    for tab, wanted in TABS.items():
        mine = []
        for pattern in wanted:
            found = [page for page in left if page == pattern or (pattern.endswith("/") and page.startswith(pattern))]
            left = [page for page in left if page not in found]
            mine += found
        tabs.append({tab: mine})
    if left:
        raise ValueError(f"no tab of the site has {', '.join(left)}: add them to TABS in docs_site.py")
    return tabs


def rewritten(text: str, source: str) -> str:
    """A page of the repository (``source``: its path there) as a page of the site."""
    return "\n".join(_lines(text, source))


def linked_files(text: str, source: str) -> Iterator[str]:
    """Files of the repository that a page links to, and which are not pages."""
    for line, code in _parted(text):
        if not code:
            for _, link in _LINK.findall(line):
                target = _target(link, source)
                if target and not target.endswith(".md") and (ROOT / target).is_file() and not _in_docs(target):
                    yield target


def on_config(config: Any) -> Any:
    """The navigation."""
    folder = Path(config["docs_dir"])
    config["nav"] = navigation(
        [*PAGES.values(), *(path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))]
    )
    return config


def on_files(files: Any, config: Any) -> Any:
    """Pages and files from outside docs/."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - in an environment of its own

    pages = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in Path(config["docs_dir"]).rglob("*.md"))]
    along = {one for page in pages for one in linked_files((ROOT / page).read_text(encoding="utf-8"), page)}
    for source, target in [*PAGES.items(), *((one, f"files/{one}") for one in sorted(along))]:
        files.append(File.generated(config, target, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links as the site needs them."""
    return rewritten(markdown, _source(page.file.src_uri))


def _parted(text: str) -> Iterator[tuple[str, bool]]:
    """Lines, and whether they are code."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if not fence and found:
            fence = found[2]
            yield line, True
        elif fence and line.strip() == fence:
            fence = ""
            yield line, True
        else:
            yield line, bool(fence)


def _lines(text: str, source: str) -> Iterator[str]:
    before = ""
    for line, code in _parted(text):
        # GitHub begins a list or a table without an empty line before it; Python's Markdown does not.
        begins = _ITEM.match(line) or line.startswith("|")
        if not code and begins and before.strip() and not (_ITEM.match(before) or before[0] in "| \t"):
            yield ""
        yield line if code else _LINK.sub(lambda found: _link(found[0], found[1], found[2], source), line)
        before = line


def _link(whole: str, text: str, link: str, source: str) -> str:
    target = _target(link, source)
    if target is None:
        return whole
    _, _, anchor = link.partition("#")
    if not (ROOT / target).exists():
        return whole  # mkdocs complains
    if (ROOT / target).is_dir() or (target.endswith(".md") and not (_in_docs(target) or target in PAGES)):
        return f"{text} (`{target}`)" if target not in text else text
    site = _page(target)
    here = os.path.dirname(_page(source))  # noqa: PTH120 - a path of the site
    return f"[{text}]({os.path.relpath(site, here or '.')}{'#' + anchor if anchor else ''})"


def _target(link: str, source: str) -> str | None:
    """The path in the repository that a link means; None for one to elsewhere, or within the page."""
    path = link.partition("#")[0]
    if not path or re.match(r"[a-z]+:", path):
        return None
    return os.path.normpath(Path(source).parent / path)


def _page(source: str) -> str:
    if _in_docs(source):
        return source.removeprefix("docs/")
    return PAGES.get(source, f"files/{source}")


def _source(page: str) -> str:
    return next((source for source, target in PAGES.items() if target == page), f"docs/{page}")


def _in_docs(path: str) -> bool:
    return path.startswith("docs/")
