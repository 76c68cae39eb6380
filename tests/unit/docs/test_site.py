"""What `make docs` makes of the pages; mkdocs itself, in an environment of its own, checks the links of the result."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import docs_site

DOCS = docs_site.ROOT / "docs"
OF_DOCS = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]


def test_every_page_is_in_one_tab() -> None:
    tabs = docs_site.navigation([*docs_site.PAGES.values(), *OF_DOCS])
    shown = [page for tab in tabs for pages in tab.values() for page in pages]
    assert sorted(shown) == sorted([*docs_site.PAGES.values(), *OF_DOCS])
    assert shown[:2] == ["index.md", "guides/serve-your-own-model.md"], "what a newcomer needs comes first"
    assert all(pages for tab in tabs for pages in tab.values())


def test_a_page_that_no_tab_has_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no tab of the site has other/page\.md: add them to TABS"):
        docs_site.navigation(["index.md", "other/page.md"])


@pytest.mark.parametrize("page", [name for tab in docs_site.TABS.values() for name in tab if name.endswith(".md")])
def test_pages_that_come_first_exist(page: str) -> None:
    assert page in OF_DOCS or page in docs_site.PAGES.values()


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("docs/guides/dashboard.md", "[a](../reference/cli.md#rollmodel-explain)", None),
        ("README.md", "[a](docs/concepts/models.md)", "[a](concepts/models.md)"),
        ("README.md", "[a](docs/concepts/models.md#x)", "[a](concepts/models.md#x)"),
        ("docs/upgrades.md", "[a](../CHANGELOG.md)", "[a](changelog.md)"),
        ("docs/concepts/models.md", "[a](../../charts/rollmodel/README.md#v)", "[a](../reference/chart.md#v)"),
        ("docs/concepts/models.md", "[a](../../examples/wine/wine.yaml)", "[a](../files/examples/wine/wine.yaml)"),
        ("docs/concepts/models.md", "[the wine](../../examples/wine/)", "the wine (`examples/wine`)"),
        ("README.md", "[examples/wine](examples/wine)", "examples/wine"),
        ("README.md", "[a](https://example.com/docs/x.md) [b](#here) [c](nowhere.md)", None),
        ("README.md", "`[a](docs/upgrades.md)`", None),
    ],
)
def test_links(source: str, link: str, expected: str | None) -> None:
    assert docs_site.rewritten(link, source) == (link if expected is None else expected)


def test_code_stays_as_it_is() -> None:
    text = "```text\na\n- b [a](docs/upgrades.md)\n```"
    assert docs_site.rewritten(text, "README.md") == text


def test_lists_and_tables_begin_as_on_github() -> None:
    text = "before:\n- one\n- two\n  more\n- three\n\nnext\n| a |\n|---|\n1. no\n"
    changed = docs_site.rewritten(text, "README.md").splitlines()
    assert changed == ["before:", "", "- one", "- two", "  more", "- three", "", "next", "", "| a |", "|---|", "1. no"]


def test_files_that_are_linked_come_along() -> None:
    text = "[a](../../examples/wine/wine.yaml) [b](models.md) [c](plots/paths.svg) [d](../../examples/wine/)"
    assert [*docs_site.linked_files(text, "docs/concepts/models.md")] == ["examples/wine/wine.yaml"]


def test_the_site_loads_nothing_from_elsewhere() -> None:
    class Loader(yaml.SafeLoader):
        """Without Python's own tags."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    settings = yaml.load(Path(docs_site.ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe one
    assert settings["theme"]["font"] is False
    assert settings["plugins"] == ["search"]
    assert settings["strict"] is True
    assert not {"extra_javascript", "extra_css"} & settings.keys()
