"""MLflow's client costs little: what it says about itself is asked seldom, and its modules are no garbage."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import pytest
from rollmodel.adapters.mlflow import connection as room
from rollmodel.adapters.mlflow.connection import http, loading
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.ports.registry import Connection

REGISTRY = "mlflow.tracking.request_header.registry.resolve_request_headers"


def test_what_the_client_says_is_asked_for_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    asked, clock = 0, SimpleNamespace(now=1000.0)

    def resolve() -> dict[str, str]:
        nonlocal asked
        asked += 1
        return {"User-Agent": f"client {asked}"}

    monkeypatch.setattr(REGISTRY, resolve)
    monkeypatch.setattr(http, "_client", http._Client())
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: clock.now))
    connection = Connection("http://mlflow", workspace="team")
    first = http._headers(connection)
    assert first == {"X-MLFLOW-WORKSPACE": "team", "User-Agent": "client 1"}
    assert http._headers(Connection("http://mlflow", namespace="team")) == {"User-Agent": "client 1"}
    clock.now += 61.0
    assert http._headers(connection)["User-Agent"] == "client 2"
    assert asked == 2


def test_its_modules_are_looked_through_for_garbage_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    kept = 0
    monkeypatch.setattr(gc, "get_freeze_count", lambda: kept)
    monkeypatch.setattr(room, "stores", sys.modules[loading._STORES], raising=False)
    monkeypatch.delitem(sys.modules, loading._STORES)
    load()
    assert frozen == []  # a process that keeps nothing, as that of a test
    monkeypatch.delitem(sys.modules, loading._STORES)
    kept = 1
    load()
    assert frozen == [True]
    load()
    assert frozen == [True]
