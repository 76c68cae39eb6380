"""The last word of the loop: a table read back from the cluster, and whether all was as promised."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from demo.loop.story import LoopStory

__all__ = ["broken_promises", "show"]


def show(story: LoopStory, console: Console) -> None:
    """Print alarms, trainings, decisions and how often the model was right."""
    table = Table("act", "took", "right answers", title="What happened", title_justify="left")
    for (begun, name), (end, _) in zip(story.acts, story.acts[1:], strict=False):
        right = story.accuracy(begun, end)
        table.add_row(name, f"{end - begun:.0f} s", "" if right is None else f"{right:.1%}")
    console.print()
    console.print(table)
    table = Table(
        "alarm",
        "signal",
        "what became of it",
        "TrainingJob",
        title="Read back from the DriftPolicy",
        title_justify="left",
    )
    for one in reversed(story.policy.retrains):
        table.add_row(one.episode, one.trigger, one.outcome, one.training_job or "")
    episode = story.policy.episode
    if episode is not None and story.blocked:
        table.add_row(str(episode.number), episode.trigger, f"no training: {story.blocked}", "")
    console.print(table)
    for entry in story.history:
        console.print(f"v{entry.to_version}: {entry.verdict}, {entry.reason}", markup=False)
    console.print(f"answers: {story.clinic.answered}, failed: {story.clinic.failed}")


def broken_promises(story: LoopStory) -> Iterator[str]:
    """Everything that the demo promises and that was not observed; nothing, if all is well."""
    if story.alarms_when_quiet:
        yield f"alarms while nothing changed: {', '.join(story.alarms_when_quiet)}"
    verdicts = [entry.verdict for entry in story.history]
    if verdicts != ["Installed", "Promoted"]:
        yield f"the versions were {verdicts}, not installed and promoted"
    if len(story.trainings) != 1:
        yield f"{len(story.trainings)} trainings were started, not one"
    if [one.outcome for one in story.policy.retrains if one.training_job] != ["Promoted"]:
        yield "the training of the first alarm was not promoted"
    if story.blocked != "BrokenData":
        yield f"broken data did not block a training: {story.blocked or 'nothing did'}"
    before = story.accuracy(*story.between("drift"))
    after = story.accuracy(*story.between("quiet again"))
    if before is None or after is None or after <= before:
        yield f"the new model is not better: {before} before, {after} after"
    if story.clinic.failed:
        yield f"{story.clinic.failed} requests failed"
