"""What is registered with Kopf, and how Kopf is set up."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock

from rollmodel.runtime.driver import FINALIZER
from rollmodel.runtime.handlers import kopf_settings, register


def test_a_daemon_and_an_event_handler_per_kind_and_nothing_that_keeps_state() -> None:
    registry = register(Mock(), {"modeldeployments": Mock(), "trainingjobs": Mock()}, Mock(), started=datetime.now(UTC))
    assert len(list(registry._spawning.get_all_handlers())) == 2
    assert len(list(registry._watching.get_all_handlers())) == 2
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._indexing.get_all_handlers())
    assert not list(registry._webhooks.get_all_handlers())


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
