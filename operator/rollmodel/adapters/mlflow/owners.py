"""For which namespace something was made or moved first: tags, since MLflow knows all namespaces by one login.

They bind the operator only: whoever may write to MLflow by other means may change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollmodel.plan.access.tenancy import OWNER_NAMESPACE, alias_owner_tag, not_yours

if TYPE_CHECKING:
    from rollmodel.adapters.mlflow.connection.stores import RegistryStore

__all__ = ["check", "claim_alias", "made_for"]


def made_for(tags: Mapping[str, str]) -> str | None:
    """The namespace that these tags name."""
    return tags.get(OWNER_NAMESPACE) or None


def check(what: str, tags: Mapping[str, str], owner: str | None) -> None:
    """Raises Forbidden where the tags name another namespace; ``owner`` None is not asked."""
    holder = made_for(tags)
    if owner is not None and holder is not None and holder != owner:
        raise not_yours(what, holder, owner)


def claim_alias(store: RegistryStore, model: str, alias: str, owner: str) -> None:
    """See to it that the alias is the owner's. Raises Forbidden where it is another's.

    Of two that claim it in the same moment the second one to write has it: what was written is read again.
    """
    from mlflow.entities.model_registry import RegisteredModelTag  # noqa: PLC0415 - heavy

    key = alias_owner_tag(alias)
    holder = store.get_registered_model(model).tags.get(key)
    if not holder:
        store.set_registered_model_tag(model, RegisteredModelTag(key, owner))
        holder = store.get_registered_model(model).tags.get(key)
    if holder != owner:
        raise not_yours(f"alias {alias!r} of model {model!r}", str(holder), owner)
