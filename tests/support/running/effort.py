"""How much a test that could go on for ever does: enough in ``make test``, all in ``make test-all``."""

from __future__ import annotations

import pytest
from hypothesis import settings

__all__ = ["configure", "effort"]

_THOROUGH = False


def configure(config: pytest.Config) -> None:
    """Before any test is imported. Hypothesis sets no time limit: how long one example takes is up to the machine."""
    global _THOROUGH  # noqa: PLW0603 - decorators of tests read it while they are imported
    _THOROUGH = bool(config.getoption("thorough"))
    settings.register_profile("rollmodel", deadline=None, max_examples=effort(50, 100))
    settings.load_profile("rollmodel")


def effort(usual: int, thorough: int) -> int:
    """A number of examples, kills or rounds: ``usual``, or with ``--thorough`` the larger one."""
    return thorough if _THOROUGH else usual
