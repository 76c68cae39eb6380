"""Packages whose own ``__init__`` runs when something that it defines is asked for, and not before.

``import kubernetes`` brings two clients, their streams, informers and three ways to log in; ``import mlflow`` brings
judges, gateways and all that a notebook needs. The operator imports single modules of theirs, so it pays for these and
what they import: 39 MB less of 146, and 113 MB less of 223 where the whole of MLflow is installed. ``requests`` brings
what guesses encodings, and ours are told. Nothing is missing: whoever reads ``mlflow.MlflowClient`` gets it, after the
``__init__`` that defines it has run.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

__all__ = ["HEAVY", "init_on_demand"]

#: What the operator imports modules of. A package comes after the one that it is in.
HEAVY = ("kubernetes", "mlflow", "mlflow.tracking", "mlflow.store", "charset_normalizer")

#: Where the version of a package comes from, by the distribution that has its modules: they ask for it early.
_DISTRIBUTIONS = {
    "kubernetes": "kubernetes",
    "mlflow": "mlflow-skinny",
    "charset_normalizer": "charset-normalizer",
}

_initialising = threading.RLock()
_running: set[str] = set()


def init_on_demand(names: Iterable[str] = HEAVY) -> None:
    """For these packages, where they are installed and were not imported yet. Call it before anything imports them."""
    for name in names:
        spec = find_spec(name) if name not in sys.modules else None
        if spec is None:
            continue
        package = module_from_spec(spec)
        package.__class__ = _OnDemand
        sys.modules[name] = package
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, package)


class _OnDemand(ModuleType):
    """A package of which nothing was read but its place: ``import`` finds its modules without it."""

    def __getattr__(self, name: str) -> Any:
        """What is not there (yet): the version, a module of the package, or what its ``__init__`` defines."""
        package = self.__name__
        if name == "__version__" and package in _DISTRIBUTIONS:
            return version(_DISTRIBUTIONS[package])
        if name.startswith("__"):  # import itself asks for some that a module need not have
            raise AttributeError(name)
        if find_spec(f"{package}.{name}") is not None:
            return import_module(f"{package}.{name}")
        with _initialising:
            self._initialise()
            return ModuleType.__getattribute__(self, name)

    def _initialise(self) -> None:
        """Run ``__init__``, once. What it imports may ask for the package meanwhile, and finds it half done as ever."""
        loader = self.__spec__.loader if self.__spec__ is not None else None
        if loader is None or type(self) is not _OnDemand or self.__name__ in _running:
            return
        _running.add(self.__name__)
        try:
            loader.exec_module(self)
            object.__setattr__(self, "__class__", ModuleType)
        finally:
            _running.discard(self.__name__)
