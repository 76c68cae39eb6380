"""What becomes of a cluster test where the binaries of the local cluster cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from localcluster import BinaryUnavailableError

__all__ = ["needs_binaries"]


@contextmanager
def needs_binaries(environment: Mapping[str, str]) -> Iterator[None]:
    """Skip the test, with the reason, if the block finds no binaries. Under CI the test fails instead.

    Under CI is: ``CI`` in the environment is neither empty nor ``false``. A skipped test looks green, and in CI nobody
    reads how many were skipped.
    """
    try:
        yield
    except BinaryUnavailableError as error:
        if environment.get("CI", "").lower() in ("", "false"):
            pytest.skip(str(error))
        pytest.fail(f"under CI this test must run: {error}", pytrace=False)
