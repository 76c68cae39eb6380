"""``rollmodel dashboard`` in a real browser, on objects that a real API server keeps."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec

from localcluster import Cluster
from tests.cluster.cli.test_rollout_commands import rollout
from tests.support.apiserver import SMALLEST, Api
from tests.support.browser import Browser, browsing
from tests.support.eventually import PATIENCE_SECONDS
from tests.support.simulation.fleet import HOSTILE
from tests.support.simulation.trainings.statuses import SPEC, running

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

LIVE = "document.getElementById('connection').textContent === 'live'"


@asynccontextmanager
async def dashboard(kubeconfig: Path, *arguments: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The command as a process; the address that it prints."""
    command = [sys.executable, "-m", "rollmodel", "dashboard", "--kubeconfig", str(kubeconfig), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.stdout.readline()
            yield (await process.stdout.readline()).decode().strip(), process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def stored(api: Api, name: str, wish: ModelDeploymentSpec, status: dict[str, Any]) -> None:
    api.create("ModelDeployment", wish.to_wire(), name)
    api.patch_status("ModelDeployment", status, name)


async def test_a_person_looks_at_it(cluster: Cluster, api: Api, namespace: str, reader: Path, tmp_path: Path) -> None:
    wish, status, revision = rollout(0.05)
    stored(api, "churn", wish, status)
    api.create("TrainingJob", dict(SPEC), "nightly")
    api.patch_status("TrainingJob", running(), "nightly")
    api.create("DriftPolicy", SMALLEST["DriftPolicy"], "watch")
    async with dashboard(reader, "-n", namespace) as (address, process), browsing(tmp_path) as browser:
        await browser.screen(1200)
        await browser.open(address)
        await browser.until(LIVE)
        assert await _names(browser) == ["churn", "nightly", "watch"]
        await _stays_current(browser, api, wish, status)
        await _keys(browser, address)
        await _one_model(browser, address, revision)
        await _fits(browser, address)
        assert browser.complaints == [], "of scripts, styles or the security policy"
        await _says_that_it_is_lost(browser, address, process)


async def _stays_current(browser: Browser, api: Api, wish: ModelDeploymentSpec, status: dict[str, Any]) -> None:
    """Changes arrive without loading the page; a text of an object does nothing."""
    await browser.value("window.mark = 'the same page'")
    stalled = json.loads(json.dumps(status))
    for condition in stalled["conditions"]:
        if condition["type"] == "Stalled":
            condition.update(status="True", reason="Hostile", message=HOSTILE)
    stored(api, "hostile", wish, stalled)
    await browser.until("document.querySelector('#models tr.object a').textContent === 'hostile'")
    assert "<script>" in await browser.value("document.querySelector('#models td.state small').textContent")
    assert await browser.value("window.mark") == "the same page"
    assert "owned" not in await browser.value("document.title")
    assert await browser.value("document.querySelectorAll('img, main script').length") == 0


async def _keys(browser: Browser, address: str) -> None:
    await browser.press("/")
    await browser.press("nightly")
    assert await _names(browser) == ["nightly"]
    await browser.press("Escape")
    assert await _names(browser) == ["hostile", "churn", "nightly", "watch"]
    await browser.press("jj")
    assert await browser.value("document.activeElement.textContent") == "churn"
    await browser.press("Enter")
    await browser.until("location.pathname.endsWith('/churn') && document.readyState === 'complete'")
    await browser.press("?")
    assert await browser.value("document.getElementById('help').open")
    await browser.press("Escape")
    assert not await browser.value("document.getElementById('help').open")
    await browser.press("u")
    await browser.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")


async def _one_model(browser: Browser, address: str, revision: str) -> None:
    await browser.open(f"{address}models/{await _namespace(browser)}/churn")
    await browser.until(LIVE)
    text = await browser.value("document.querySelector('main').innerText")
    assert revision in text
    assert f"rollmodel promote churn -n {await _namespace(browser)}" in text
    assert await browser.value("document.querySelectorAll('#evidence svg.bar').length") == 2
    assert await browser.value("getComputedStyle(document.querySelector('.steps .now')).fontWeight") == "600"


async def _fits(browser: Browser, address: str) -> None:
    """Nothing is wider than a small screen, and the dark page is dark."""
    shades = {}
    for scheme in ("light", "dark"):
        await browser.screen(400, scheme=scheme)
        for page in ("", f"models/{await _namespace(browser)}/churn", f"trainings/{await _namespace(browser)}/nightly"):
            await browser.open(address + page)
            assert await browser.value("document.documentElement.scrollWidth") == 400
        shades[scheme] = await browser.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] * 1")
    assert shades["dark"] < 60
    assert shades["light"] > 200


async def _says_that_it_is_lost(browser: Browser, address: str, process: asyncio.subprocess.Process) -> None:
    await browser.open(address)
    await browser.until(LIVE)
    process.terminate()
    await browser.until("document.getElementById('connection').classList.contains('lost')")


async def _names(browser: Browser) -> list[str]:
    """Of the lines that are shown."""
    found = await browser.value(
        "[...document.querySelectorAll('tr.object:not([hidden]) td.name a')].map((one) => one.textContent)"
    )
    return list(found)


async def _namespace(browser: Browser) -> str:
    return str(await browser.value("document.querySelector('.place').textContent")).removeprefix("namespace ")
