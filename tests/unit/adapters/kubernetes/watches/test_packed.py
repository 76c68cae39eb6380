"""Objects that are kept packed, but for the last ones."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.watches.packed import PackedObjects
from rollmodel.plan.decision import Ref


def ref(name: str) -> Ref:
    return Ref("v1", "Service", "team", name)


def service(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}] * 50}}


@pytest.fixture
def objects() -> PackedObjects[Ref]:
    kept: PackedObjects[Ref] = PackedObjects(unpacked=2)
    for name in "abcd":
        kept[ref(name)] = service(name)
    return kept


def test_all_are_there_whether_packed_or_not(objects: PackedObjects[Ref]) -> None:
    assert [objects[ref(name)] for name in "abcdabcd"] == [service(name) for name in "abcdabcd"]


def test_those_that_were_looked_at_last_are_not_parsed_again(objects: PackedObjects[Ref]) -> None:
    first = objects[ref("a")]
    assert objects[ref("d")] is objects[ref("d")]
    assert objects[ref("a")] is first
    for name in "bc":
        assert objects[ref(name)] == service(name)
    assert objects[ref("a")] is not first


def test_a_new_version_takes_the_place_of_a_packed_one(objects: PackedObjects[Ref]) -> None:
    objects[ref("a")] = {"metadata": {"name": "a"}, "spec": "new"}
    assert [objects[ref(name)]["spec"] for name in "bcda"][-1] == "new"


def test_a_packed_one_is_small_and_what_is_deleted_is_gone(objects: PackedObjects[Ref]) -> None:
    assert objects.pack(ref("d")) == objects.pack(ref("d")) < 200
    assert objects[ref("d")] == service("d")
    for name in "ad":
        del objects[ref(name)]
        with pytest.raises(KeyError):
            objects[ref(name)]


def deployment(name: str, noise: str = "") -> dict[str, Any]:
    container = {"name": "model", "image": "rollmodel/server:1", "args": ["serve", "--port", "8080"], "env": noise}
    return {
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def test_of_a_kind_each_is_packed_as_what_tells_it_from_the_first() -> None:
    kept: PackedObjects[str] = PackedObjects()
    for name in ("first", "second"):
        kept[name] = deployment(name)
    assert max(kept.pack(name) for name in ("first", "second")) < 60
    assert [kept[name] for name in ("first", "second")] == [deployment("first"), deployment("second")]


def test_a_large_example_and_many_kinds_do_no_harm() -> None:
    kept: PackedObjects[str] = PackedObjects(unpacked=1)
    noise = random.Random(1).randbytes(2**16).hex()  # noqa: S311
    objects = {"large": deployment("large", noise), "small": deployment("small")}
    objects |= {f"kind-{number}": {"kind": f"Kind{number}", "metadata": {"name": "é"}} for number in range(300)}
    for name, obj in objects.items():
        kept[name] = obj
    assert {name: kept[name] for name in objects} == objects
