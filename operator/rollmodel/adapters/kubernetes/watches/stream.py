"""One stream of a watch: what every reader of the API server's watches shares. Reconnecting is the caller's affair.

Silence is an error: the server sends a bookmark about once a minute, so a stream without a line for longer is dead,
whatever TCP believes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer

__all__ = ["watch"]

#: The server ends a stream after this many seconds; so long does a silent one live at most, too.
STREAM_SECONDS = 290.0
#: The server sends a bookmark about once a minute, but for a kind of which nothing ever changes it may not.
SILENCE_SECONDS = 90.0


async def watch(
    server: ApiServer,
    path: str,
    *,
    selector: Mapping[str, str],
    version: str,
    seconds: float | None = None,
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The events after ``version``, until the server ends the stream after so many seconds.

    Bookmarks and errors (``"type": "ERROR"``) are among them. ``selector`` is ``labelSelector`` or ``fieldSelector``
    with its value. Raises Expired where ``version`` is too old, Unavailable where the stream breaks or is silent.
    """
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        **selector,
        "resourceVersion": version,
        "timeoutSeconds": str(int(STREAM_SECONDS if seconds is None else seconds)),
    }
    async with aclosing(server.lines(path, query=query, silence=SILENCE_SECONDS)) as lines:
        async for line in lines:
            yield json.loads(line)
