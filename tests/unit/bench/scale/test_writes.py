"""What the benchmark of writes counts."""

from __future__ import annotations

from tests.bench.scale.measurements.writes import measure
from tests.bench.scale.rows import write_rows


def test_a_rollout_that_is_lost_writes_little_and_then_nothing() -> None:
    run = measure("Shadow", bad=0.4, past=300, rest=300)
    assert run.verdict == "RolledBack"
    # The record, Deployment and Service of the candidate; the route with copies and without; it goes again.
    assert (run.writes["created"], run.writes["changed"], run.writes["deleted"]) == (3, 2, 2)
    assert run.writes["status"] <= run.seconds / 10 + 3
    assert run.at_rest == 0
    first, quiet = write_rows({"Shadow": (run,)})
    assert (first.name.split()[0], quiet.met) == ("Shadow,", True)
