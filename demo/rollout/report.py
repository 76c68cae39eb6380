"""The last word: a table of what was observed, and whether it is what the README promises."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from demo.rollout.story import Act, Story

__all__ = ["broken_promises", "show"]

OUTCOMES = ("Installed", "Promoted", "RolledBack")


def show(story: Story, console: Console) -> None:
    """Print the acts as a table."""
    table = Table(title="What happened, read back from the cluster, the registry and Prometheus", title_justify="left")
    for heading, justify in (("version", "left"), ("verdict", "left"), ("took", "right"), ("requests", "right"),
                             ("of them failed", "right"), ("why", "left")):  # fmt: skip
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for act in story.acts:
        total, failed = sum(act.requests.values()), _failed(act)
        why = (act.entry.evidence or act.entry.reason).replace("; ", "\n")
        table.add_row(f"v{act.version}", act.entry.verdict, f"{act.seconds:.0f} s", str(total), str(failed), why)
    console.print()
    console.print(table)
    answers = ", ".join(f"{code}: {count}" for code, count in sorted(story.answers.items()))
    console.print(f"champion in the registry: v{story.champion}; answers that clients saw: {answers}")


def broken_promises(story: Story) -> Iterator[str]:
    """Everything that the demo promises and that was not observed; nothing, if all is well."""
    first, better, worse = story.acts
    for act, verdict in zip(story.acts, OUTCOMES, strict=True):
        if act.entry.verdict != verdict:
            yield f"v{act.version} was {act.entry.verdict}, not {verdict}"
    if story.champion != better.version:
        yield f"the champion alias points to v{story.champion}, not v{better.version}"
    for act in (better, worse):
        if act.told != act.entry.verdict:
            yield f"v{act.version} carries no tag with its verdict: {act.tags}"
    if not _failed(worse):
        yield f"v{worse.version} was rolled back without a failed request: on what evidence?"
    if _failed(first) or _failed(better):
        yield f"good versions failed requests: {first.requests}, {better.requests}"
    lost = {code: count for code, count in story.answers.items() if not code.isdecimal()}
    if lost:
        yield f"requests were lost on the way: {lost}"


def _failed(act: Act) -> int:
    return sum(count for code, count in act.requests.items() if code.startswith("5"))
