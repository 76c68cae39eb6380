"""Documents that are nested as deep as Python goes: garbage is not searched for in the middle of one.

A finalizer that runs there, such as that of a pool of connections, has no stack left: it fails, and its sockets stay
open until some later test.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def garbage_waits() -> Iterator[None]:
    """Until the documents are read; what is not closed is told then, as always."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
