"""What a namespace may touch at MLflow with the operator's own login.

One login acts for all namespaces, so MLflow cannot tell them apart: somebody else has to. An administrator's mapping
says it; where there is none, what we made or moved for one namespace is not changed for another. A connection of the
namespace's own (``connectionRef``) is not asked about: there MLflow knows who comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rollmodel.api.base import GROUP
from rollmodel.errors import Forbidden

__all__ = ["NOT_GRANTED", "OTHERS", "OWNER_NAMESPACE", "Grant", "Tenancy", "alias_owner_tag", "not_yours"]

#: Tag of experiments and registered models that we made: the namespace for which we did.
OWNER_NAMESPACE = f"{GROUP}/namespace"

#: Reasons of a refusal: somebody else's; not in the administrator's mapping.
OTHERS, NOT_GRANTED = "OwnedByAnother", "NotGranted"

_What = Literal["model", "experiment", "alias"]


def alias_owner_tag(alias: str) -> str:
    """Tag of a registered model: the namespace that moved this alias first."""
    return f"{GROUP}/alias-owner/{alias}"


def not_yours(what: str, holder: str, owner: str) -> Forbidden:
    """The refusal to change what another namespace made or moved first. ``holder`` is what a tag says."""
    return Forbidden(
        f"{what} belongs to namespace {holder[:63]!r}, so namespace {owner!r} does not change it with the operator's"
        " login: name another one, use a connection of your own (`connectionRef`), or have the administrator map it"
        " (ROLLMODEL_TENANTS)",
        reason=OTHERS,
    )


class Grant(BaseModel):
    """Names that a namespace may use; ``*`` and ``?`` stand for characters, ``{namespace}`` for its own name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = ()
    """Registered models, to read, to register into, and to move aliases of."""
    experiments: tuple[str, ...] = ()
    """Experiments, to make runs in."""
    aliases: tuple[str, ...] = ("*",)
    """Aliases of those models, to follow and to move."""

    def of(self, what: _What) -> tuple[str, ...]:
        """The patterns for one kind of thing."""
        return {"model": self.models, "experiment": self.experiments, "alias": self.aliases}[what]


@dataclass(frozen=True, slots=True)
class Tenancy:
    """``grants`` are by namespace, or by pattern of namespaces; empty: nothing is mapped.

    ``trusted``: all namespaces are one trust domain, and nothing is checked.
    """

    grants: Mapping[str, Grant] = field(default_factory=dict)
    trusted: bool = False

    def owner(self, namespace: str) -> str | None:
        """In whose name things are made and moved; None where it is not noted, and nobody is asked."""
        return None if self.trusted or self.grants else namespace

    def check(
        self,
        namespace: str,
        *,
        models: Iterable[str | None] = (),
        experiments: Iterable[str | None] = (),
        aliases: Iterable[str | None] = (),
    ) -> None:
        """Raises Forbidden (``NotGranted``) where one of these is not given to the namespace; None is no name."""
        if self.trusted or not self.grants:
            return
        asked: tuple[tuple[_What, Iterable[str | None]], ...] = (
            ("model", models),
            ("experiment", experiments),
            ("alias", aliases),
        )
        for what, names in asked:
            for name in names:
                if name is not None:
                    self._check(namespace, what, name)

    def _check(self, namespace: str, what: _What, name: str) -> None:
        given = list(self._patterns(namespace, what))
        if any(fnmatchcase(name, pattern) for pattern in given):
            return
        allowed = ", ".join(given) or "none"
        raise Forbidden(
            f"namespace {namespace!r} may not use {what} {name[:100]!r} with the operator's login. It is given:"
            f" {allowed} (ROLLMODEL_TENANTS); name one of these, or a connection of your own (`connectionRef`)",
            reason=NOT_GRANTED,
        )

    def _patterns(self, namespace: str, what: _What) -> Iterator[str]:
        for whose, grant in self.grants.items():
            if fnmatchcase(namespace, whose):
                yield from (pattern.replace("{namespace}", namespace) for pattern in grant.of(what))
