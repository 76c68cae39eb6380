"""Whose a namespace is, and whether somebody else works in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.plan.operators.sharding import CLAIMED, LABEL, Rivals, ShardLease, shard_of


def lease(version: str = "1", holder: str = "pod-1", *namespaces: str) -> ShardLease:
    return ShardLease("b", version, holder, 10.0, frozenset(namespaces))


def test_a_namespace_belongs_to_one_shard() -> None:
    assert shard_of({LABEL: "a"}) == "a"
    assert shard_of({}) == shard_of(None) == shard_of({LABEL: ""}) == shard_of({LABEL: "default"}) == "default"


def test_a_lease_is_read_and_one_without_anything_holds_nothing() -> None:
    meta = {"name": "b", "resourceVersion": "7", "annotations": {CLAIMED: "x,y"}}
    spec = {"holderIdentity": "pod-1", "leaseDurationSeconds": 10}
    assert ShardLease.of({"metadata": meta, "spec": spec}) == lease("7", "pod-1", "x", "y")
    bare = ShardLease.of({"metadata": {"name": "b", "resourceVersion": "7"}})
    assert (bare.holder, bare.namespaces) == ("", frozenset())


def test_what_a_living_holder_names_is_held_and_what_a_dead_one_names_is_not() -> None:
    rivals = Rivals()
    assert rivals.held([lease("1", "pod-1", "x")], 100.0) == {"x"}
    assert rivals.held([lease("2", "pod-1", "x")], 109.0) == {"x"}
    assert rivals.held([lease("2", "pod-1", "x")], 119.0) == {"x"}  # unchanged for 10 s, and no longer
    assert rivals.held([lease("2", "pod-1", "x")], 119.1) == set()
    assert rivals.held([lease("3", "pod-2", "x")], 120.0) == {"x"}
    assert rivals.held([lease("4", "", "x")], 121.0) == set()  # given back


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["a", "b"]), min_size=4, max_size=30))
def test_in_whatever_order_two_shards_claim_and_look_never_both_work(steps: list[str]) -> None:
    """Each writes its claim, then looks at the other's, and begins if that names nothing of the kind; or gives back."""
    claims: dict[str, frozenset[str]] = {"a": frozenset(), "b": frozenset()}
    state = {"a": "out", "b": "out"}
    for who in steps:
        other = "b" if who == "a" else "a"
        if state[who] == "out":
            claims[who], state[who] = frozenset({"x"}), "claimed"
        elif state[who] == "claimed":
            held = Rivals().held([ShardLease(other, "1", "pod", 10.0, claims[other])], 0.0)
            state[who] = "claimed" if "x" in held else "works"
        else:
            claims[who], state[who] = frozenset(), "out"
        assert list(state.values()) != ["works", "works"]
