"""What is registered with Kopf, and how Kopf is set up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from rollmodel.runtime.controller import FINALIZER
from rollmodel.runtime.handlers import kopf_settings, register


@pytest.fixture
def plain() -> Mock:
    """A reconciler that has nothing to settle in the end."""
    return Mock(spec=["reconcile", "forget"])


def test_a_daemon_and_an_event_handler_per_kind_and_nothing_that_keeps_state(plain: Mock) -> None:
    registry = register(Mock(), {"modeldeployments": plain, "trainingjobs": plain}, Mock(), started=datetime.now(UTC))
    assert len(list(registry._spawning.get_all_handlers())) == 2
    assert len(list(registry._watching.get_all_handlers())) == 2
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._indexing.get_all_handlers())
    assert not list(registry._webhooks.get_all_handlers())


async def test_only_a_kind_with_loose_ends_has_a_delete_handler_and_only_for_what_is_deleted(plain: Mock) -> None:
    controller, tidy = AsyncMock(), Mock(spec=["reconcile", "forget", "finalize"])
    registry = register(
        controller, {"modeldeployments": plain, "trainingjobs": tidy}, Mock(), started=datetime.now(UTC)
    )
    (handler,) = registry._changing.get_all_handlers()
    assert handler.selector is not None
    assert handler.selector.any_name == "trainingjobs"
    when: Any = handler.when
    finalize: Any = handler.fn
    assert not when(body={"metadata": {"name": "a"}})
    body = {"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert when(body=body)
    await finalize(body=body)
    controller.finalize.assert_awaited_once_with(tidy, body)


def test_kopf_writes_nothing_but_the_finalizer() -> None:
    settings = kopf_settings()
    assert settings.persistence.finalizer == FINALIZER == "rollmodel.dev/finalizer"
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
