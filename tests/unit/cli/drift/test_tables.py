"""What people read of a DriftPolicy: as the simulated world leaves it."""

from __future__ import annotations

import argparse

import pytest
from rich.console import Console
from rollmodel.cli.common.printing.rows import row_of
from rollmodel.cli.common.targets import named, wanted
from rollmodel.cli.drift.tables import described
from rollmodel.errors import Invalid

from tests.support.simulation.drifting import DriftWorld, rows_of


async def test_a_policy_that_raised_an_alarm() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=40.0 if hour < 11 else 46.0))
    ref = world.policy(windowSeconds=[3600])
    await world.hours(world.operator(), ref, 16)
    manifest = world.kube.objects[ref] | {"kind": "DriftPolicy"}
    manifest["metadata"]["creationTimestamp"] = world.start.isoformat()
    manifest["status"]["learnt"] |= {"weekWindows": 168, "weekFalseAlarms": 48}

    row = row_of(manifest, world.clock.now())
    assert (row.name, row.state) == ("dpol/watch", "Drifted")
    assert row.metric.startswith("features/age PSI 0.")
    assert row.age

    console = Console(width=160, color_system=None)
    with console.capture() as captured:
        for part in described(manifest, world.clock.now()):
            console.print(part)
    text = captured.get()
    assert "watch watches churn in team: Drifted" in text
    assert "0 of 10 quiet windows are called drift at 5 %." in text
    assert "48 of 168 steps of the first week are, too." in text
    assert "Alarm 1, raised by features/age: on for" in text
    for word in ("features/age", "Drifted (Severe)", "Suggested", "DataFresh"):
        assert word in text


def _asked(kind: str | None, name: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(kind=kind, name=name)


def test_a_policy_is_meant_only_where_its_kind_is_said() -> None:
    assert [one.kind for one in named(_asked("dpol", "churn"), policies=True)[0]] == ["DriftPolicy"]
    assert [one.kind for one in named(_asked("driftpolicy/churn"), policies=True)[0]] == ["DriftPolicy"]
    assert "DriftPolicy" not in [one.kind for one in named(_asked("churn"), policies=True)[0]]
    assert "DriftPolicy" in [one.kind for one in wanted(_asked(None), policies=True)[0]]
    with pytest.raises(Invalid, match="'dpol' is not a kind"):
        named(_asked("dpol", "churn"))
