"""The figures side by side, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tests.bench.peers.measure import Figures
from tests.bench.scale.section import Conditions, percentiles

__all__ = ["markdown"]

_MB = 1e6
_RARE = 0.005


def markdown(runs: Sequence[Figures], floor: Mapping[str, Sequence[float]], conditions: Conditions) -> str:
    """What it costs to bring objects up, the requests by kind, and where this was measured.

    ``floor``: by name the bursts of loops that do little more than create the child.
    """
    names = [run.tool for run in runs]
    first = runs[0]
    costs = _table([f"{first.objects:,} objects, one pod each", *names], _costs(runs))
    kinds = _table(["API requests per object", *names], _kinds(runs))
    before, after = conditions.loads
    where = (
        f"`{conditions.command}` on {conditions.machine}, {conditions.date}, commit {conditions.commit}; load average"
        f" {before:.1f} before and {after:.1f} after. One API server, one KWOK node, one tool after the other."
    )
    bursts = "; ".join(f"{name}: {percentiles(list(seconds))}" for name, seconds in floor.items())
    least = f"{len(first.burst):,} at once, child visible, p50 / p99: {bursts}."
    return f"{costs}\n\n{least}\n\n{kinds}\n\n{where}"


def _costs(runs: Sequence[Figures]) -> Iterator[list[str]]:
    figures: dict[str, Callable[[Figures], str]] = {
        "first apply to all ready": lambda run: f"{run.ready_seconds:.1f} s",
        "of this the apply, by one kubectl": lambda run: f"{run.apply_seconds:.1f} s",
        "object there to child there meanwhile, p50 / p99": lambda run: percentiles(run.waited),
        "API requests per object, watches apart": lambda run: f"{run.requests.others.total() / run.objects:.1f}",
        "CPU of the controller per object": lambda run: f"{1000 * run.cpu_seconds / run.objects:.0f} ms",
        "memory of the controller: new": lambda run: f"{run.memory[0] / _MB:.0f} MB",
        "with all objects": lambda run: f"{run.memory[1] / _MB:.0f} MB",
        "at the most": lambda run: f"{run.memory[2] / _MB:.0f} MB",
        f"{len(runs[0].burst)} applied at once: child visible, p50 / p99": lambda run: percentiles(run.burst),
    }
    for name, figure in figures.items():
        yield [name, *(figure(run) for run in runs)]


def _kinds(runs: Sequence[Figures]) -> Iterator[list[str]]:
    """Verb and resource, the most frequent first; what is rare with all is left out."""
    shares = [{kind: count / run.objects for kind, count in run.requests.others.items()} for run in runs]
    kinds = {kind for share in shares for kind in share}
    for verb, resource in sorted(kinds, key=lambda kind: (-max(share.get(kind, 0) for share in shares), kind)):
        each = [share.get((verb, resource), 0.0) for share in shares]
        if max(each) >= _RARE:
            yield [f"{verb} {resource}", *(f"{one:.2f}" if one else "" for one in each)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
