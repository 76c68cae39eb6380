"""The last word of the training demo: every gate as it was asked and seen, and whether all was as promised."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import TrainingJobStatus

from demo.training.story import MODEL, Outcome, TrainingStory

__all__ = ["broken_promises", "show"]

_TAG = "rollmodel.dev/"


def show(story: TrainingStory, console: Console) -> None:
    """Print gates, outcomes and lineage."""
    table = Table(title="Gates, read back from the cluster", title_justify="left")
    for heading in ("run", "gate", "check", "asked", "seen", "verdict"):
        table.add_column(heading)
    for outcome in story.outcomes:
        for gate in outcome.status.gates:
            table.add_row(outcome.name, gate.name, gate.check, gate.asked or "", gate.seen or "", gate.verdict)
    console.print()
    console.print(table)
    for outcome in story.outcomes:
        status = outcome.status
        reproducibility = status.reproducibility
        rerun_of = reproducibility.rerun_of if reproducibility else None
        known = f"version {status.model_version} of {MODEL}" if status.model_version else "nothing registered"
        again = f"; a rerun of run {rerun_of[:8]}" if rerun_of else ""
        ran = f"run {(status.run_id or '')[:8]}, {outcome.seconds:.0f} s"
        console.print(f"{outcome.name}: {ran}, {known}{again}: {_message(status)}", markup=False)
    served = ", ".join(f"v{version} {verdict}" for version, verdict in story.served.items())
    aliases = ", ".join(f"{alias} -> v{version}" for alias, version in story.aliases.items())
    console.print(f"served: {served}; {aliases}; versions in the registry: {story.versions}")


def broken_promises(story: TrainingStory) -> Iterator[str]:
    """Everything that the demo promises and that was not observed; nothing, if all is well."""
    first, better, unfair, again = story.outcomes
    for outcome, verdict in ((first, "Installed"), (better, "Promoted")):
        yield from _not_registered(outcome)
        if story.served.get(outcome.status.model_version or "") != verdict:
            yield f"the version of {outcome.name} was not {verdict}: {story.served}"
    if set(story.aliases.values()) != {better.status.model_version}:
        yield f"an alias does not point to version {better.status.model_version}: {story.aliases}"
    yield from _not_refused(unfair)
    if story.versions != 2:
        yield f"{story.versions} versions were registered, not 2"
    repeated = again.status.reproducibility
    if repeated is None or repeated.rerun_of != better.status.run_id:
        yield f"{again.name} was not recognised as a rerun of {better.name}"


def _not_registered(outcome: Outcome) -> Iterator[str]:
    status = outcome.status
    if not status.gates or any(gate.verdict != "Passed" for gate in status.gates):
        yield f"{outcome.name} did not pass its gates"
    if outcome.run_tags.get(f"{_TAG}model-version") != status.model_version:
        yield f"the run of {outcome.name} does not name its version: {outcome.run_tags}"
    if outcome.version_tags.get(f"{_TAG}run-id") != status.run_id:
        yield f"the version of {outcome.name} does not name its run: {outcome.version_tags}"


def _not_refused(outcome: Outcome) -> Iterator[str]:
    failed = [gate.name for gate in outcome.status.gates if gate.verdict != "Passed"]
    succeeded = find(outcome.status.conditions, "Succeeded")
    if failed != ["recall_gap/sex"]:
        yield f"{outcome.name} should fail the gate recall_gap/sex and no other, but failed {failed}"
    if succeeded is None or succeeded.status != "False" or outcome.status.model_version is not None:
        yield f"{outcome.name} was not refused: {_message(outcome.status)}"
    if outcome.run_tags.get(f"{_TAG}gates") != "Failed":
        yield f"the run of {outcome.name} does not say that its gates failed: {outcome.run_tags}"


def _message(status: TrainingJobStatus) -> str:
    succeeded = find(status.conditions, "Succeeded")
    return succeeded.message if succeeded else "no outcome"
