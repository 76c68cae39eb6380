"""Specs, parsed once and not in each pass: a spec changes rarely, and parsing it is a large part of a pass at rest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar

from rollmodel.api.base import ApiModel
from rollmodel.plan.manifest import Manifest

__all__ = ["ParsedSpecs"]

Spec = TypeVar("Spec", bound=ApiModel)

#: So many are kept, of the objects that were looked at last.
_MOST = 128


class ParsedSpecs(Generic[Spec]):
    """By UID of their objects."""

    def __init__(self, model: type[Spec]) -> None:
        self._model = model
        self._parsed: OrderedDict[str, tuple[Any, Spec]] = OrderedDict()

    def of(self, body: Manifest) -> Spec:
        """The spec of this object. Raises ValidationError where it is not understood."""
        uid, written = body["metadata"]["uid"], (body["metadata"].get("generation"), body["spec"])
        known, spec = self._parsed.get(uid, (None, None))
        if spec is None or known != written:
            spec = self._model.model_validate(body["spec"])
        self._parsed[uid] = written, spec
        self._parsed.move_to_end(uid)
        if len(self._parsed) > _MOST:
            self._parsed.popitem(last=False)
        return spec

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._parsed.pop(uid, None)
