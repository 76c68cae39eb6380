"""Kinds of others that the operator is told to leave alone: they are not asked for at all."""

from __future__ import annotations

from typing import Any

from rollmodel.adapters.kubernetes.kinds import ROUTES, WORKLOADS
from rollmodel.adapters.kubernetes.kube import Kubernetes


class NoApi:
    """Fails whoever asks anything."""

    def request(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError(f"asked: {arguments} {options}")


def kubernetes(**options: Any) -> Kubernetes:
    return Kubernetes(NoApi(), wake=lambda uid: None, **options)  # type: ignore[arg-type]


async def test_routes_that_are_off_are_not_watched_and_cannot_be_made() -> None:
    off, auto = kubernetes(without={ROUTES}), kubernetes()
    assert not off.gateway_available
    assert auto.gateway_available
    assert {one.resource for one in auto._watches} - {one.resource for one in off._watches} == {ROUTES}


async def test_workloads_that_are_off_are_not_asked_for() -> None:
    assert await kubernetes(without={WORKLOADS}).list_workloads("team") is None
