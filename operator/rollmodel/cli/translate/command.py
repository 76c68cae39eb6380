"""``rollmodel import``: manifests of Argo Rollouts, Flagger, KServe and Seldon as ModelDeployments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from rollmodel.cli.lint.documents import documents
from rollmodel.cli.translate.argo import rollout
from rollmodel.cli.translate.draft import Draft, Note, Source
from rollmodel.cli.translate.flagger import canary
from rollmodel.cli.translate.metrics import measured
from rollmodel.cli.translate.servers import inference_service, seldon_deployment
from rollmodel.errors import Invalid
from rollmodel.text import plain

__all__ = ["KINDS", "main", "translated"]

_DESCRIPTION = (
    "Write a ModelDeployment for each Rollout (Argo Rollouts), Canary (Flagger), InferenceService (KServe) and"
    " SeldonDeployment of the files, and list what has no counterpart."
)
_EPILOG = (
    "The manifests go to standard output, the list to standard error. AnalysisTemplates and Deployments of the same"
    " files are looked up. docs/guides/coming-from.md has every field."
)

_Fill = Callable[[Draft, Sequence[Mapping[str, Any]]], None]
#: Kind -> API group, and who reads it.
KINDS: Mapping[str, tuple[str, _Fill]] = {
    "Rollout": ("argoproj.io", rollout),
    "Canary": ("flagger.app", canary),
    "InferenceService": ("serving.kserve.io", inference_service),
    "SeldonDeployment": ("machinelearning.seldon.io", seldon_deployment),
}
_LEVELS = {"todo": "to do", "missing": "missing", "kept": "kept"}


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the files have nothing that could be read."""
    parser = argparse.ArgumentParser(prog="rollmodel import", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML file, folder, or - for standard input")
    parser.add_argument("-q", "--quiet", action="store_true", help="the manifests only")
    arguments = parser.parse_args(argv)
    try:
        found = _read(arguments.files)
    except Invalid as error:
        print(f"rollmodel import: {error}", file=sys.stderr)
        return 1
    print(yaml.safe_dump_all([manifest for manifest, _ in found], sort_keys=False, allow_unicode=True), end="")
    if not arguments.quiet:
        for manifest, notes in found:
            print(_list(manifest, notes), file=sys.stderr)
    return 0


def translated(body: Mapping[str, Any], others: Sequence[Mapping[str, Any]] = ()) -> tuple[dict[str, Any], list[Note]]:
    """The ModelDeployment for an object of KINDS, and what there is to say. ``others``: objects beside it.

    Raises Invalid for an object that is not as its own kind defines it.
    """
    draft = Draft(Source(body))
    try:
        KINDS[body["kind"]][1](draft, others)
        if "model" not in draft.spec:
            draft.spec = {"model": {"registry": {"name": draft.name, "alias": "challenger"}}, **draft.spec}
            draft.todo("spec.model", "the name of a registered model and the alias to follow are guessed")
        measured(draft)
        manifest = draft.finish()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid(
            f"{body['kind']} {draft.name} has a field of a form that its kind does not know: {error}"
        ) from error
    return manifest, sorted(draft.notes, key=lambda note: (list(_LEVELS).index(note.level), note.path))


def _read(files: Sequence[str]) -> list[tuple[dict[str, Any], list[Note]]]:
    bodies = [document.body for document in documents(files)]
    ours = [body for body in bodies if _known(body)]
    if not ours:
        kinds = ", ".join(f"{kind} ({group})" for kind, (group, _) in KINDS.items())
        raise Invalid(f"there is nothing to translate in {', '.join(files)}: known are {kinds}")
    return [translated(body, bodies) for body in ours]


def _known(body: Mapping[str, Any]) -> bool:
    group, _ = KINDS.get(str(body.get("kind")), ("", None))
    return bool(group) and str(body.get("apiVersion", "")).split("/")[0] == group


def _list(manifest: Mapping[str, Any], notes: Sequence[Note]) -> str:
    """What there is to say, a line for each field."""
    wide = max((len(note.path) for note in notes), default=0)
    lines = [f"  {_LEVELS[note.level]:8} {note.path:{wide}}  {note.text}" for note in notes]
    return "\n".join(plain(line) for line in (f"ModelDeployment {manifest['metadata']['name']}:", *lines))
