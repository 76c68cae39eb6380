"""The pages of ``rollmodel explain --html`` in a real browser: one for each way that a rollout may go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rollmodel.cli.common import prometheus
from rollmodel.cli.rollout import explain

from tests.support.browser import Browser, browsing
from tests.support.simulation.rollouts import Cluster, model, spec
from tests.unit.cli.backtest.test_recording import Remembered

pytestmark = pytest.mark.slow

#: Texts of charts that reach out of the page, or lie on each other.
CLIPPED = """
[...document.querySelectorAll('figure text')].map(t => [t.textContent, t.getBoundingClientRect()]).filter(
    ([_, box]) => box.left < 0 || box.right > innerWidth).map(([text]) => text)
"""
COVERED = """
[...document.querySelectorAll('figure svg')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
    return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([_, b]) =>
        a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom
    ).map(([two]) => one + '|' + two));
})
"""


def _healthy(_: Callable[[float], Cluster]) -> Cluster:
    cluster = Cluster(spec(), rate=200)
    cluster.run(1900)
    cluster.model = model("2")
    assert cluster.run(5000, lambda: any(line["verdict"] == "ProvenSafe" for line in cluster.status["evidence"]))
    return cluster


def _harmful(trying: Callable[[float], Cluster]) -> Cluster:
    cluster = trying(0.085)
    assert "candidate" in cluster.status
    return cluster


def _undecided(trying: Callable[[float], Cluster]) -> Cluster:
    cluster = trying(0.065)
    cluster.run(150)
    assert "candidate" in cluster.status
    return cluster


def _ended(trying: Callable[[float], Cluster]) -> Cluster:
    cluster = trying(0.3)
    assert cluster.run(600, lambda: "candidate" not in cluster.status)
    return cluster


WAYS = {"healthy": _healthy, "harmful": _harmful, "undecided": _undecided, "ended": _ended}


def _page(cluster: Cluster, folder: Path) -> Path:
    manifest = {
        "kind": "ModelDeployment",
        "metadata": {"name": "churn", "namespace": "prod"},
        "spec": cluster.spec.to_wire(),
        "status": cluster.status,
    }
    (folder / "churn.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = folder / "page.html"
    assert explain.main(["--file", str(folder / "churn.json"), "--html", str(page), "--prometheus", "http://p"]) == 0
    return page


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_is_whole_on_each_screen(
    way: str, trying: Callable[[float], Cluster], monkeypatch: Any, tmp_path: Path
) -> None:
    cluster = WAYS[way](trying)
    monkeypatch.setattr(prometheus, "connected", lambda _: Remembered(cluster))
    page = await asyncio.to_thread(_page, cluster, tmp_path)
    async with browsing(tmp_path) as browser:
        for width, scheme in ((1000, "light"), (1000, "dark"), (400, "light"), (400, "dark")):
            await browser.screen(width, scheme=scheme)
            await browser.open(page.as_uri())
            await _is_whole(browser)
        assert browser.complaints == []


async def _is_whole(browser: Browser) -> None:
    assert await browser.value("document.querySelectorAll('figure svg').length") >= 3
    assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert await browser.value(CLIPPED) == []
    assert await browser.value(COVERED) == []
    assert await browser.value(
        "getComputedStyle(document.body).color != getComputedStyle(document.body).backgroundColor"
    )
