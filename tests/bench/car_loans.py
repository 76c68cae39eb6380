"""Both ways of counting on public data that drift: what the server shows to Prometheus, and a log with labels.

    pip download --no-deps nannyml==0.13.1
    python -m tests.bench.car_loans nannyml-0.13.1-py3-none-any.whl

NannyML's synthetic car loans (Apache-2.0): 50 000 rows to learn from and 50 000 later ones, whose second half drifted;
the wheel is read as an archive, and nothing of it runs. Each hour has 2 500 rows. One policy looks at the server's
counters, one at the ConfigMap that ``rollmodel count-log`` makes of the prediction log; they must say the same at each
hour, once for each format of the log. With labels the second one also sees the true accuracy.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import csv
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal
from unittest import mock

import numpy as np
import pandas as pd
from rollmodel.plan.decision import Ref
from rollmodel.profile import Profile, build_profile
from rollmodel.serving.predictions import identity
from rollmodel.serving.predictions import log as prediction_log
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.count_log.command import main as count_log
from rollmodel.serving.predictions.files import open_shelf
from rollmodel.serving.predictions.log import PredictionLog
from rollmodel.serving.predictions.start import about_text
from rollmodel.serving.predictions.tally import Tally

from tests.support.simulation.drifting import HOUR, DriftWorld

FOLDER = "nannyml/datasets/data/synthetic_car_loan"
FEATURES = ["car_value", "debt_to_income_ratio", "driver_tenure", "loan_length", "repaid_loan_on_prev_car"]
FEATURES += ["salary_range", "size_of_downpayment"]
ROWS, LEARNT_FROM = 2500, 25_000
#: The rows after these drifted, as the data's own documentation says: half of the later ones.
QUIET_HOURS = (50_000 - LEARNT_FROM + 25_000) // ROWS
MAP = Ref("v1", "ConfigMap", "team", "churn-counts")
SIGNALS: list[dict[str, Any]] = [
    {"name": "features", "kind": "Feature"},
    {"name": "prediction", "kind": "Prediction"},
    {"name": "quality", "kind": "Quality"},
    {"name": "estimated", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.02"},
]
LABELLED: dict[str, Any] = {"name": "true", "kind": "Performance", "metric": "accuracy", "maxDrop": "0.02"}


@dataclass(frozen=True)
class Loans:
    """``rows`` come after those of the profile, in the order of time."""

    profile: Profile
    rows: pd.DataFrame

    def hour(self, number: int) -> pd.DataFrame:
        """The rows of an hour."""
        return self.rows.iloc[number * ROWS : (number + 1) * ROWS]

    @property
    def hours(self) -> int:
        """How many whole ones there are."""
        return len(self.rows) // ROWS


def loans_of(wheel: Path) -> Loans:
    """Read the data out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:

        def table(name: str) -> pd.DataFrame:
            return pd.read_csv(io.BytesIO(archive.read(f"{FOLDER}_{name}.csv")))

        reference = table("reference")
        later = table("analysis").merge(table("analysis_target"), on="id")
    both = pd.concat([reference, later], ignore_index=True)
    both["repaid_loan_on_prev_car"] = both["repaid_loan_on_prev_car"].astype(str)
    known, rows = both.iloc[:LEARNT_FROM], both.iloc[LEARNT_FROM:].reset_index(drop=True)
    score, target = known["y_pred_proba"].to_numpy(), known["repaid"].to_numpy().astype(int)
    return Loans(build_profile(dict(known[FEATURES]), score=score, target=target), rows)


class Clock:
    """The time of the log: that of the hour that is played."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """Unix seconds."""
        return self.now

    @staticmethod
    def monotonic() -> float:
        """Of this machine."""
        return monotonic()


def world_of(loans: Loans, **spec: Any) -> tuple[DriftWorld, Ref]:
    """A world with this traffic, and a policy in it."""

    def traffic(_: np.random.Generator, hour: int) -> Any:
        rows = loans.hour(hour)
        return rows[FEATURES], rows["y_pred_proba"].to_numpy()

    world = DriftWorld(traffic)
    world.profile = loans.profile
    return world, world.policy(windowSeconds=[HOUR, 6 * HOUR], **spec)


async def by_server(loans: Loans) -> list[dict[str, Any]]:
    """What the policy says after each hour, with the server's counters in Prometheus."""
    world, ref = world_of(loans, signals=SIGNALS)
    operator, found = world.operator(), []
    for _ in range(loans.hours):
        await world.hours(operator, ref, 1)
        found.append(said(world, ref))
    return found


async def by_log(
    loans: Loans, kind: Literal["JSONLines", "Parquet"], folder: Path, *, labels: bool
) -> list[dict[str, Any]]:
    """The same from a log in this format, with one Job at the end of each hour."""
    outcomes = {"outcomes": {"delaySeconds": 0}} if labels else {}
    source = {"counts": {"configMapRef": {"name": MAP.name}, "delaySeconds": 0}}
    signals = [*SIGNALS, *([LABELLED] if labels else [])]
    world, ref = world_of(loans, signals=signals, source=source, **outcomes)
    world.kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": MAP.name, "namespace": "team"}})
    operator, clock, found = world.operator(), Clock(), []
    config = LogConfig(to=str(folder / "log"), model="churn", revision="rev1", format=kind)
    with mock.patch.object(prediction_log, "time", clock):
        for hour in range(loans.hours):
            world.clock.forward(HOUR)
            now = world.clock.now().timestamp()
            clock.now = now - 60.0
            rows = loans.hour(hour)
            log = PredictionLog(config, open_shelf(config), Tally(), about=about_text(config, loans.profile.to_json()))
            identity.current.set(f"hour{hour}")
            log.after(log.before(rows[FEATURES]), rows["y_pred_proba"].to_numpy())
            log.close(60.0)
            if labels:
                write_labels(folder / "labels", hour, rows)
            world.kube.edit(MAP, lambda one: one.update(binaryData=counted(folder, now, labels=labels)))  # noqa: B023
            await world.settle(operator, ref)
            found.append(said(world, ref))
    assert not world.asked, "Prometheus was asked"
    return found


def write_labels(folder: Path, hour: int, rows: pd.DataFrame) -> None:
    """One file for each hour, as a system that knows nothing of pods would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{hour}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label"])
        writer.writerows((f"hour{hour}:{index}", int(value)) for index, value in enumerate(rows["repaid"]))


def counted(folder: Path, now: float, *, labels: bool) -> dict[str, str]:
    """What the Job writes into the ConfigMap."""
    out = folder / "out"
    arguments = [str(folder / "log"), "--out", str(out), "--now", str(now), "--settle", "0"]
    if count_log([*arguments, *(["--labels", str(folder / "labels")] if labels else [])]) != 0:
        sys.exit("count-log failed")
    return {path.name: base64.b64encode(path.read_bytes()).decode() for path in out.iterdir()}


def said(world: DriftWorld, ref: Ref) -> dict[str, Any]:
    """All that a look decided."""
    status = world.status(ref)
    parts = {name: status.get(name) for name in ("signals", "profile", "learnt", "budget", "episode", "watchedSince")}
    return {"state": world.condition(ref, "Ready")["reason"], **parts}


def differences(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Iterator[str]:
    """Where two ways say something else."""
    for hour, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        for part in mine:
            if mine[part] != theirs[part]:
                yield f"hour {hour}, {part}: {mine[part]} and {theirs[part]}"


def alarms(states: list[dict[str, Any]]) -> str:
    """When it was drifted."""
    hours = [hour for hour, one in enumerate(states) if one["state"] == "Drifted"]
    early = sum(hour < QUIET_HOURS for hour in hours)
    first = next((hour for hour in hours if hour >= QUIET_HOURS), None)
    after = "never" if first is None else f"{first - QUIET_HOURS + 1} hours after the drift began"
    return f"{early} hours of alarm in {QUIET_HOURS} quiet ones, then {after}"


def main() -> None:
    """Play all three, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    loans = loans_of(parser.parse_args().wheel)
    server = asyncio.run(by_server(loans))
    print(f"by the server's counters: {alarms(server)}")
    failed = False
    kinds: tuple[Literal["JSONLines", "Parquet"], ...] = ("JSONLines", "Parquet")
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(by_log(loans, kind, Path(folder), labels=False))
        wrong = list(differences(server, found))
        failed |= bool(wrong)
        print(f"by a log in {kind}: {'the same at each hour' if not wrong else wrong[0]}")
    with tempfile.TemporaryDirectory() as folder:
        labelled = asyncio.run(by_log(loans, "JSONLines", Path(folder), labels=True))
    print(f"with labels: {alarms(labelled)}")
    for name in ("true", "estimated"):
        seen = [
            h
            for h, one in enumerate(labelled)
            for s in one["signals"] or ()
            if (s["name"], s["verdict"]) == (name, "Drifted")
        ]
        print(f"  {name}: {f'drifted from hour {seen[0]} on, in {len(seen)} of {loans.hours}' if seen else 'never'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
