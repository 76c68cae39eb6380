"""Run as a module it takes the pictures of docs/guides/dashboard.md anew, with a real browser (``chromium``)."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from rollmodel.cli.dashboard.command import serving

from tests.support.browser import Browser, browsing
from tests.support.simulation.fleet import fleet

FOLDER = Path(__file__).parents[3] / "docs" / "guides" / "pictures"
#: Few colours make small files, and nobody sees the difference.
COLOURS = 48


async def _take(browser: Browser, address: str) -> None:
    for name, path, width, height, scheme in (
        ("overview", "", 1200, 1000, "light"),
        ("rollout", "models/prod/churn", 1200, 1270, "dark"),
        ("small", "models/prod/fraud", 400, 900, "light"),
    ):
        await browser.screen(width, height, scheme=scheme)
        await browser.open(address + path)
        await browser.until("document.getElementById('connection').textContent === 'live'")
        with Image.open(BytesIO(await browser.picture())) as picture:
            picture.convert("RGB").quantize(COLOURS).save(FOLDER / f"dashboard-{name}.png", optimize=True)


async def _main() -> None:
    FOLDER.mkdir(exist_ok=True)
    live, memory = fleet(hostile=False)
    with TemporaryDirectory() as profile:
        async with serving(live, memory, None) as address, browsing(Path(profile)) as browser:
            await _take(browser, address)


if __name__ == "__main__":
    asyncio.run(_main())
