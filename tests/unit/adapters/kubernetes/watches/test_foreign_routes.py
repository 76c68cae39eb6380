"""Routes of others that have our label: kept by address, in little space, and followed by who asked for them."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.watches.foreign_routes import FOREIGN_ROUTE_BYTES
from rollmodel.adapters.kubernetes.watches.store import ChildStore
from rollmodel.plan.access.ownership import Controller
from rollmodel.plan.decision import Ref

KIND = ("gateway.networking.k8s.io/v1", "HTTPRoute")
OWNER = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "name": "churn", "controller": True}


def route(version: int, name: str = "site", **meta: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "team", "resourceVersion": str(version), **meta}
    return {"apiVersion": KIND[0], "kind": KIND[1], "metadata": metadata, "spec": {"rules": []}}


SITE = Ref.of(route(1))


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def store(woken: list[str]) -> ChildStore:
    return ChildStore(woken.append)


def test_who_asked_is_woken(store: ChildStore, woken: list[str]) -> None:
    assert store.foreign_routes.find(SITE, "uid-a") is None
    store.on_event(route(5))
    assert woken == ["uid-a"]
    found = store.foreign_routes.find(SITE, "uid-a")
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "5"
    store.on_event(route(5))
    store.on_event(route(4))
    assert woken == ["uid-a"]
    store.on_delete(SITE, 6)
    assert (woken, store.foreign_routes.find(SITE, "uid-a")) == (["uid-a"] * 2, None)


def test_our_own_write_is_read_at_once_and_wakes_nobody(store: ChildStore, woken: list[str]) -> None:
    store.foreign_routes.find(SITE, "uid-a")
    store.on_write(route(7))
    store.on_event(route(6))  # it was on its way
    found = store.foreign_routes.find(SITE, "uid-a")
    assert found is not None
    assert (found["metadata"]["resourceVersion"], woken) == ("7", [])


def test_one_follows_one_route_and_none_when_it_is_gone(store: ChildStore, woken: list[str]) -> None:
    store.foreign_routes.find(SITE, "uid-a")
    store.foreign_routes.find(Ref.of(route(1, "other")), "uid-a")
    store.on_event(route(5))
    assert woken == []
    store.disown(Controller("team", "rollmodel.dev", "ModelDeployment", "churn", "uid-a"))
    store.on_event(route(6, "other"))
    assert woken == []


def test_a_list_forgets_what_it_did_not_show(store: ChildStore) -> None:
    store.on_event(route(5))
    store.on_event(route(6, "other"))
    store.replace(KIND, "team", [SITE], 7)
    assert store.foreign_routes.find(SITE, "uid-a") is not None
    assert store.foreign_routes.find(Ref.of(route(1, "other")), "uid-a") is None


def test_a_route_with_a_controller_is_no_guest(store: ChildStore) -> None:
    store.on_event(route(5))
    store.on_event(route(6, ownerReferences=[{**OWNER, "uid": "uid-b"}]))
    assert store.foreign_routes.find(SITE, "uid-a") is None


def test_routes_that_anybody_labels_take_little_space(store: ChildStore) -> None:
    for number in range(40):
        store.on_event(route(number + 1, f"site-{number}", annotations={"x": secrets.token_hex(12_000)}))
    held = [n for n in range(40) if store.foreign_routes.find(Ref.of(route(1, f"site-{n}")), "uid-a") is not None]
    assert 0 < len(held) <= FOREIGN_ROUTE_BYTES // 12_000
    assert held[-1] == 39
