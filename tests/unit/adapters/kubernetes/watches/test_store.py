"""The cache of children: whose they are, which version is newer, and who is woken."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.adapters.kubernetes.watches.store import STRANGERS_BYTES, ChildStore
from rollmodel.plan.access.ownership import Controller
from rollmodel.plan.decision import Ref


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def children(woken: list[str]) -> ChildStore:
    return ChildStore(woken.append)


def child(version: int, *, name: str = "a", owner: str | None = "owner", **extra: Any) -> dict[str, Any]:
    named = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "name": "churn", "controller": True}
    owners = [{"uid": "somebody"}, {**named, "uid": owner}] if owner else []
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


def identity(uid: str, **other: str) -> Controller:
    named = {"namespace": "team", "group": "rollmodel.dev", "kind": "ModelDeployment", "name": "churn"}
    return Controller(**{**named, **other}, uid=uid)


def versions(children: ChildStore, owner: str = "owner") -> dict[str, str]:
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in children.of(identity(owner))}


def test_children_are_kept_by_their_controller_without_managed_fields(children: ChildStore) -> None:
    children.on_event(child(1, spec={"a": 1}))
    (kept,) = children.of(identity("owner"))
    assert kept["spec"] == {"a": 1}
    assert "managedFields" not in kept["metadata"]
    assert children.of(identity("somebody")) == []
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
    assert children.of(identity("owner")) == []
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
    assert (children.of(identity("owner")), versions(children, "other")) == ([], {"a": "2"})


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


def test_a_child_at_rest_costs_about_a_kilobyte(children: ChildStore) -> None:
    containers = [
        {"name": f"c{i}", "image": "rollmodel/server:1", "args": ["serve", "--port", "8080"]} for i in range(9)
    ]
    children.on_event(child(1, spec={"template": {"spec": {"containers": containers}}}))
    assert children._objects.pack(REF) < 1024


@pytest.mark.parametrize(
    "other",
    [{"namespace": "team-b"}, {"kind": "TrainingJob"}, {"name": "fraud"}, {"group": "evil.example"}],
    ids=lambda other: next(iter(other)),
)
def test_who_only_knows_the_uid_of_an_owner_has_no_child_of_it(children: ChildStore, other: dict[str, str]) -> None:
    children.on_write(child(1))
    assert children.of(identity("owner", **other)) == []


def test_an_object_of_another_namespace_neither_is_a_child_nor_changes_one(children: ChildStore) -> None:
    children.on_write(child(1))
    alien = child(2)
    alien["metadata"]["namespace"] = "team-b"
    children.on_event(alien)
    assert [one["metadata"]["namespace"] for one in children.of(identity("owner"))] == ["team"]


def strangers(children: ChildStore, count: int) -> None:
    for number in range(count):
        noise = random.Random(number).randbytes(4096).hex()  # noqa: S311 - what cannot be packed well
        children.on_event(child(number + 1, name=f"s{number}", owner=f"nobody-{number}", data=noise))


def test_objects_of_nobody_take_a_bounded_place_of_their_own_namespace(children: ChildStore) -> None:
    children.adopt(identity("owner"))
    children.on_event(child(1))
    strangers(children, 200)
    kept = [number for number in range(200) if children.of(identity(f"nobody-{number}"))]
    assert kept == list(range(200 - len(kept), 200)), "the oldest go first"
    assert 0 < len(kept) < STRANGERS_BYTES // 4096
    assert versions(children) == {"a": "1"}, "the child of an owner that exists stays"


def test_a_child_that_came_before_its_owner_waits_for_it(children: ChildStore) -> None:
    children.on_event(child(1))
    children.adopt(identity("owner"))
    strangers(children, 200)
    assert versions(children) == {"a": "1"}


def test_the_children_of_an_owner_that_is_gone_are_forgotten(children: ChildStore) -> None:
    children.on_write(child(1))
    children.disown(identity("owner"))
    assert (children.of(identity("owner")), children.find(REF)) == ([], None)


def test_what_an_autoscaler_reports_wakes_nobody(children: ChildStore, woken: list[str]) -> None:
    """It writes its status several times a minute, and we do not read it; what we asked of it is another matter."""

    def autoscaler(version: int, pods: int, most: int = 5) -> dict[str, Any]:
        kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
        return {**child(version), **kind, "spec": {"maxReplicas": most}, "status": {"currentReplicas": pods}}

    children.on_event(autoscaler(1, 1))
    assert woken == ["owner"]
    children.on_event(autoscaler(2, 2))
    children.on_event(autoscaler(3, 3))
    assert woken == ["owner"]
    children.on_event(autoscaler(4, 3, most=9))
    assert woken == ["owner"] * 2
    (kept,) = children.of(identity("owner"))
    assert kept["spec"] == {"maxReplicas": 9}
    children.on_event(autoscaler(2, 2, most=1))
    assert children.of(identity("owner")) == [kept]
    children.on_delete(Ref.of(autoscaler(5, 3)), 5)
    assert woken == ["owner"] * 3
