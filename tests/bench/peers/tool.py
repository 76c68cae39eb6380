"""A tool that is measured: its objects, and its controller as a process of this machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass

from localcluster.kubeapi import Object
from tests.bench.scale.rig.objects import Collection
from tests.bench.scale.rig.usage import Usage

__all__ = ["Tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """``user`` is how the audit log knows the controller.

    ``manifests(prefix, count)`` makes so many objects. ``running()`` is a block during which the controller works; it
    begins once the controller has said that it is ready. ``watching(pid)`` is a block around what is measured.
    """

    name: str
    user: str
    collection: Collection
    manifests: Callable[[str, int], list[Object]]
    running: Callable[[], AbstractAsyncContextManager[Usage]]
    watching: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext()
