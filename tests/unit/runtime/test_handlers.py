"""What is registered with Kopf, and how Kopf is set up."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from rollmodel.runtime.handlers import kopf_settings, register
from rollmodel.runtime.tasks.finalizers import FINALIZER


@pytest.fixture
def reconcilers() -> dict[str, Any]:
    """One that has nothing to settle in the end, and one that has."""
    return {
        "modeldeployments": Mock(spec=["reconcile", "forget"]),
        "trainingjobs": Mock(spec=["reconcile", "forget", "owes", "finalize"]),
    }


def test_an_event_handler_per_kind_and_nothing_that_keeps_state_or_needs_a_finalizer(
    reconcilers: dict[str, Any],
) -> None:
    registry = register(Mock(), reconcilers, Mock())
    assert len(list(registry._watching.get_all_handlers())) == 2
    assert not list(registry._spawning.get_all_handlers())
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._indexing.get_all_handlers())
    assert not list(registry._webhooks.get_all_handlers())


async def test_the_runner_gets_each_event_without_who_owns_which_field(reconcilers: dict[str, Any]) -> None:
    runner = Mock()
    registry = register(runner, reconcilers, Mock())
    for handler in registry._watching.get_all_handlers():
        assert handler.selector is not None
        plural: Any = handler.selector.any_name
        seen = {"metadata": {"name": plural, "managedFields": [{}]}}
        run: Any = handler.fn
        await run(event={"type": "ADDED", "object": seen})
        runner.on_event.assert_called_with("ADDED", {"metadata": {"name": plural}}, reconcilers[plural])


def test_kopf_takes_no_finalizer_of_ours_off() -> None:
    settings = kopf_settings()
    assert settings.persistence.finalizer != FINALIZER == "rollmodel.dev/finalizer"
    assert not settings.posting.enabled
    assert settings.peering.standalone
    assert settings.scanning.disabled


def test_a_watch_that_hangs_is_cut() -> None:
    watching = kopf_settings().watching
    assert watching.server_timeout is not None
    assert watching.client_timeout is not None
    assert watching.client_timeout > watching.server_timeout


def test_a_process_that_starts_kopf_anew_is_not_killed_by_the_one_before() -> None:
    assert kopf_settings(anew=True).process.ultimate_exiting_timeout is None
    assert kopf_settings().process.ultimate_exiting_timeout == 30
