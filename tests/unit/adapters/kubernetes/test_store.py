"""The cache of children: whose they are, which version is newer, and who is woken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.adapters.kubernetes.store import ChildStore
from rollmodel.plan.decision import Ref


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def children(woken: list[str]) -> ChildStore:
    return ChildStore(woken.append)


def child(version: int, *, name: str = "a", owner: str | None = "owner", **extra: Any) -> dict[str, Any]:
    owners = [{"uid": "somebody"}, {"uid": owner, "controller": True}] if owner else []
    metadata = {
        "name": name,
        "namespace": "team",
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "ownerReferences": owners,
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, **extra}


REF = Ref.of(child(1))


def versions(children: ChildStore, owner: str = "owner") -> dict[str, str]:
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in children.of(owner)}


def test_children_are_kept_by_their_controller_without_managed_fields(children: ChildStore) -> None:
    children.on_event(child(1, spec={"a": 1}))
    (kept,) = children.of("owner")
    assert kept["spec"] == {"a": 1}
    assert "managedFields" not in kept["metadata"]
    assert children.of("somebody") == []
    assert children.find(REF) == kept


def test_what_we_wrote_wakes_nobody(children: ChildStore, woken: list[str]) -> None:
    children.on_write(child(5))
    children.on_event(child(5))  # the watch brings it, too
    assert woken == []


def test_what_others_wrote_wakes_the_owner(children: ChildStore, woken: list[str]) -> None:
    children.on_write(child(5))
    children.on_event(child(6))
    assert woken == ["owner"]


@given(st.permutations(range(1, 8)))
def test_in_whatever_order_they_come_the_newest_stays(order: list[int]) -> None:
    children = ChildStore(lambda uid: None)
    for version in order:
        children.on_event(child(version))
    assert versions(children) == {"a": "7"}


def test_versions_are_numbers(children: ChildStore) -> None:
    children.on_event(child(9))
    children.on_event(child(10))
    assert versions(children) == {"a": "10"}


def test_a_delete_forgets_and_wakes(children: ChildStore, woken: list[str]) -> None:
    children.on_write(child(5))
    children.on_delete(REF, 6)
    assert children.of("owner") == []
    assert children.find(REF) is None
    assert woken == ["owner"]


def test_an_old_delete_does_not_touch_what_was_made_anew(children: ChildStore, woken: list[str]) -> None:
    children.on_write(child(7))
    children.on_delete(REF, 6)
    assert versions(children) == {"a": "7"}
    assert woken == []


def test_a_delete_of_what_nobody_knew_is_nothing(children: ChildStore, woken: list[str]) -> None:
    children.on_delete(REF, 6)
    assert woken == []


def test_a_child_that_changes_hands_wakes_both(children: ChildStore, woken: list[str]) -> None:
    children.on_event(child(1))
    woken.clear()
    children.on_event(child(2, owner="other"))
    assert sorted(woken) == ["other", "owner"]
    assert (children.of("owner"), versions(children, "other")) == ([], {"a": "2"})


def test_a_child_that_loses_its_owner_wakes_it(children: ChildStore, woken: list[str]) -> None:
    children.on_event(child(1))
    woken.clear()
    children.on_event(child(2, owner=None))
    assert woken == ["owner"]
    assert children.find(REF) is None


def test_a_list_forgets_what_it_does_not_show(children: ChildStore) -> None:
    for name in ("a", "b"):
        children.on_event(child(1, name=name))
    children.replace(("v1", "Service"), None, [REF], 3)
    assert versions(children) == {"a": "1"}


@pytest.mark.parametrize(
    ("kind", "namespace", "version"),
    [(("apps/v1", "Deployment"), None, 9), (("v1", "Service"), "elsewhere", 9), (("v1", "Service"), "team", 4)],
    ids=["another kind", "another namespace", "written after the list"],
)
def test_a_list_does_not_forget_what_it_could_not_show(
    children: ChildStore, kind: tuple[str, str], namespace: str | None, version: int
) -> None:
    children.on_write(child(5))
    children.replace(kind, namespace, [], version)
    assert versions(children) == {"a": "5"}


def test_a_child_costs_about_a_kilobyte(children: ChildStore) -> None:
    containers = [
        {"name": f"c{i}", "image": "rollmodel/server:1", "args": ["serve", "--port", "8080"]} for i in range(9)
    ]
    children.on_event(child(1, spec={"template": {"spec": {"containers": containers}}}))
    assert len(children._entries[REF].packed) < 1024
