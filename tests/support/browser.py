"""A real browser, spoken to by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.eventually import PATIENCE_SECONDS, eventually

__all__ = ["Browser", "browsing"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One page. ``complaints``: what its console and its security policy said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._socket, self._ids = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Take what the browser says, for ever."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Log.entryAdded":
                self.complaints.append(said["params"]["entry"]["text"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(said["params"]["exceptionDetails"]))

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await self._answers[number]
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> None:
        """Go there."""
        await self.send("Page.navigate", url=url)
        await self.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript is now."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until it holds."""
        await eventually(lambda: self.value(f"Boolean({expression})"), bool, expression)

    async def press(self, key: str) -> None:
        """A key, or a text letter by letter."""
        codes = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Tab": ("Tab", 9, "")}
        for letter in [key] if key in codes else key:
            name, code, text = codes[letter] if letter in codes else (letter, ord(letter.upper()), letter)
            keys = {"key": name, "windowsVirtualKeyCode": code}
            await self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **keys)
            await self.send("Input.dispatchKeyEvent", type="keyUp", **keys)

    async def screen(self, width: int, height: int = 900, *, scheme: str = "light") -> None:
        """The size of the window in CSS pixels, and whether the person likes it ``light`` or ``dark``."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.send("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def picture(self) -> bytes:
        """A PNG of what is on the screen."""
        answer = await self.send("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def browsing(directory: Path) -> AsyncIterator[Browser]:
    """A browser with a profile of its own. Skips where there is none; fails under CI."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no browser: one of {', '.join(NAMES)}")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    more = ("--remote-debugging-port=0", "--no-first-run", "--disable-background-networking")
    with (directory / "browser.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            program, *options, *more, f"--user-data-dir={directory}", "about:blank", stdout=log, stderr=log
        )
    try:
        async with aiohttp.ClientSession() as session:
            pages = await eventually(lambda: _pages(session, directory), bool, "the browser has a page")
            socket = await session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0)
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            for domain in ("Page", "Runtime", "Log"):
                await browser.send(f"{domain}.enable")
            yield browser
            listening.cancel()
    finally:
        process.terminate()
        await process.wait()


async def _pages(session: aiohttp.ClientSession, directory: Path) -> list[dict[str, Any]]:
    """The pages that are open; none before the browser has said where it listens."""
    file = directory / "DevToolsActivePort"
    if not (file.exists() and (text := file.read_text())):
        return []
    async with session.get(f"http://127.0.0.1:{text.splitlines()[0]}/json/list") as answer:
        return [one for one in await answer.json(content_type=None) if one["type"] == "page"]
