"""What a command is about: ``[KIND] NAME``, as people type it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import DRIFT_POLICY, MODEL_DEPLOYMENT, TRAINING_JOB
from rollmodel.errors import Invalid

__all__ = ["KINDS", "add_mlflow_url", "add_target", "named", "one_of", "wanted"]

#: The kinds with a life that can be watched.
KINDS = (TRAINING_JOB, MODEL_DEPLOYMENT)

_TWO = "trainingjob (tjob) or modeldeployment (mdep)"
_WORDS = {
    word: resource
    for resource, short in ((TRAINING_JOB, "tjob"), (MODEL_DEPLOYMENT, "mdep"))
    for word in (short, resource.kind.lower(), resource.plural)
}
#: A policy is mostly called like the model that it watches, so it is meant only where its kind is said.
_POLICIES = dict.fromkeys(("dpol", DRIFT_POLICY.kind.lower(), DRIFT_POLICY.plural), DRIFT_POLICY)


def add_target(parser: argparse.ArgumentParser, *, policies: bool = False, kinds: str = "") -> None:
    """The words that say which object, and the options that say where it is. ``policies``: DriftPolicies, too."""
    kinds = kinds or ("trainingjob (tjob), modeldeployment (mdep) or driftpolicy (dpol)" if policies else _TWO)
    parser.add_argument("kind", nargs="?", metavar="KIND", help=kinds)
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the object; enough where one kind has it")
    cluster.add_arguments(parser)


def add_mlflow_url(parser: argparse.ArgumentParser) -> None:
    """The address of MLflow as people see it, which may differ from the one that the operator uses."""
    address = os.environ.get("MLFLOW_TRACKING_URI")
    parser.add_argument(
        "--mlflow-url", metavar="URL", default=address, help="address of MLflow (default: $MLFLOW_TRACKING_URI)"
    )


def wanted(arguments: argparse.Namespace, *, policies: bool = False) -> tuple[Sequence[Resource], str | None]:
    """The kinds that are meant, and the name if there is one. Raises Invalid."""
    first, second = arguments.kind, arguments.name
    words = _WORDS | (_POLICIES if policies else {})
    if second is not None:
        return [_kind(first, words)], second
    if first is None:
        return (*KINDS, DRIFT_POLICY) if policies else KINDS, None
    if "/" in first:
        kind, _, name = first.partition("/")
        return [_kind(kind, words)], name
    return ([words[first.lower()]], None) if first.lower() in words else (KINDS, first)


def named(arguments: argparse.Namespace, *, policies: bool = False) -> tuple[Sequence[Resource], str]:
    """The kinds that are meant, and the name. Raises Invalid where it is missing."""
    kinds, name = wanted(arguments, policies=policies)
    if name is None:
        raise Invalid("which one? `rollmodel get` lists what there is")
    return kinds, name


def one_of(resources: Sequence[Resource], arguments: argparse.Namespace) -> tuple[Resource, str]:
    """The kind and the name, of a command that knows these kinds; a name alone means the first. Raises Invalid."""
    kinds, name = named(arguments, policies=True)
    known = [kind for kind in kinds if kind in resources]
    if not known:
        raise Invalid(f"this command is about {' and '.join(one.plural for one in resources)}")
    return next(one for one in resources if one in known), name


def _kind(word: str, words: Mapping[str, Resource]) -> Resource:
    try:
        return words[word.lower()]
    except KeyError:
        raise Invalid(f"{word!r} is not a kind that can be shown: say one of {', '.join(words)}") from None
