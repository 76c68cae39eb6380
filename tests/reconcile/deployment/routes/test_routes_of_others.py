"""One list of others' routes serves many, but not a route that is younger than the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from rollmodel.plan.times import stamp
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock
from rollmodel.reconcile.deployment.other_routes import OtherRoutes

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def route(name: str, host: str, created: float) -> dict[str, Any]:
    """A route that its Gateway has accepted."""
    parent = {"name": "public"}
    when = stamp(BEGIN + timedelta(seconds=created))
    return {
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": when},
        "spec": {"parentRefs": [parent], "hostnames": [host], "rules": [{}]},
        "status": {"parents": [{"parentRef": parent, "conditions": [{"type": "Accepted", "status": "True"}]}]},
    }


class World:
    """The clock, and the routes that are listed; ``lists`` counts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.routes: list[dict[str, Any]] = []
        self.lists = 0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    async def list_other_routes(self) -> Sequence[dict[str, Any]]:
        self.lists += 1
        return list(self.routes)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def others(world: World) -> OtherRoutes:
    return OtherRoutes(cast("Kube", world), cast("Clock", world))


async def test_a_list_from_before_ones_own_route_is_not_believed(world: World, others: OtherRoutes) -> None:
    world.seconds = 1
    assert await others.older("first", [route("first", "first.example", 0)]) is None
    world.seconds, world.routes = 30, [route("theirs", "second.example", 20)]
    taken = await others.older("second", [route("second", "second.example", 30)])
    assert taken is not None
    assert taken.owner == "HTTPRoute shop/theirs"
    assert others.are_read("second")


async def test_many_new_routes_are_answered_by_a_list_each_five_seconds(world: World, others: OtherRoutes) -> None:
    world.routes = [route("theirs", "m9.example", 0.5)]
    mine = {f"m{one}": [route(f"m{one}", f"m{one}.example", one)] for one in range(1, 20)}
    for one, (uid, children) in enumerate(mine.items(), 1):
        world.seconds = one + 0.5
        await others.older(uid, children)
    assert world.lists == 4
    world.seconds = 30
    asked = {uid: await others.older(uid, children) for uid, children in mine.items()}
    assert [uid for uid, taken in asked.items() if taken is not None] == ["m9"]
    assert all(others.are_read(uid) for uid in mine)
    assert world.lists == 5


async def test_until_then_it_is_told_that_they_were_not_read(world: World, others: OtherRoutes) -> None:
    world.seconds = 1
    await others.older("first", [route("first", "first.example", 0)])
    world.seconds = 3
    assert await others.older("second", [route("second", "second.example", 2)]) is None
    assert not others.are_read("second")
    assert others.are_read("first")
    others.forget("second")
    assert others.are_read("second")
