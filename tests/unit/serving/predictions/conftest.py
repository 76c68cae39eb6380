"""A model that was trained on real tumours, and a log of what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rollmodel.profile import Profile, build_profile
from rollmodel.serving.predictions import identity
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.files import open_shelf
from rollmodel.serving.predictions.log import PredictionLog
from rollmodel.serving.predictions.start import about_text
from rollmodel.serving.predictions.tally import Tally
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

#: The steps of the tests end at multiples of an hour; this is one.
NOON = 1_769_860_800


@dataclass(frozen=True, slots=True)
class Clinic:
    """Profile, and tables of what is asked; ``truth`` belongs to the rows."""

    profile: Profile
    model: Any
    table: pd.DataFrame
    truth: np.ndarray[Any, Any]

    def scores(self, table: pd.DataFrame) -> np.ndarray[Any, Any]:
        found: np.ndarray[Any, Any] = self.model.predict_proba(table[self.table.columns[:8]].fillna(0.0).to_numpy())
        return found


@pytest.fixture(scope="session")
def clinic() -> Clinic:
    found = load_breast_cancer(as_frame=True)
    table = found.data.iloc[:, :8].rename(columns=lambda name: name.replace(" ", "_")).astype(float)
    truth = found.target.to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table[::2].to_numpy(), truth[::2])
    table["site"] = np.where(np.arange(len(table)) % 3 == 0, "north", "south")
    table = table.astype({"site": object})
    held = table[1::2]
    score = model.predict_proba(held.iloc[:, :8].to_numpy())[:, 1]
    return Clinic(build_profile(dict(held), score=score, target=truth[1::2]), model, table, truth)


class Clock:
    """Stands in for the module ``time`` where the log asks for it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    @staticmethod
    def monotonic() -> float:
        import time

        return time.monotonic()


Asked = list[tuple[float, str, pd.DataFrame, Any]]
Logged = Callable[..., Path]


@pytest.fixture
def logged(tmp_path: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Logged:
    """Log these requests (time, id, table, answer); the folder of the log."""

    def logged(asked: Asked, **fields: Any) -> Path:
        folder = tmp_path / "log"
        config = LogConfig(**{"to": str(folder), "model": "clinic", "revision": "r1", **fields})
        clock = Clock(NOON)
        monkeypatch.setattr("rollmodel.serving.predictions.log.COLLECT_SECONDS", 0.0)
        monkeypatch.setattr("rollmodel.serving.predictions.log.time", clock)
        log = PredictionLog(config, open_shelf(config), Tally(), about=about_text(config, clinic.profile.to_json()))
        for moment, name, table, answer in asked:
            clock.now = moment
            identity.current.set(name)
            log.after(log.before(table), answer)
            log.wait()
        log.close()
        return folder

    return logged
