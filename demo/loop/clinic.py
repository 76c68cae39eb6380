"""A clinic that asks the model about its patients, and learns later what was true.

The patients are real (569 biopsies, scikit-learn's breast cancer set), drawn with replacement. The model sees three
measurements that say nothing of size. First a screening centre sends its small tumours, which are mostly benign; then
the large ones come, which are mostly not: the same measurements, another world.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import numpy as np
import pandas as pd

from examples.training.clinic import FILE, MEASUREMENTS, OUTCOME

__all__ = ["Clinic", "Population", "visits"]

Population = Literal["screening", "referrals", "broken"]

DATA = "api/2.0/mlflow-artifacts/artifacts/datasets/clinic"
ROWS_OF_A_REQUEST = 10
#: Rows whose outcome is known: what a training gets.
KNOWN_ROWS = 1500
MISSING = 0.6


def visits(population: Population) -> pd.DataFrame:
    """All patients of a population: measurements and outcome. ``broken`` are referrals before anything breaks."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  takes seconds

    rows, benign = load_breast_cancer(return_X_y=True, as_frame=True)
    small = rows["mean radius"] < rows["mean radius"].median()
    rows.columns = [name.replace(" ", "_") for name in rows.columns]
    found: pd.DataFrame = rows[list(MEASUREMENTS)].assign(**{OUTCOME: benign})
    chosen: pd.DataFrame = found[small if population == "screening" else ~small]
    return chosen


@dataclass(slots=True)
class Clinic:
    """Sends ``rate`` requests a second, open loop. ``accuracy``: (unix seconds, right answers, rows) of each."""

    url: str
    host: str
    mlflow_url: str
    rate: float = 8.0
    population: Population = "screening"
    accuracy: list[tuple[float, int, int]] = field(default_factory=list)
    failed: int = 0
    answered: int = 0
    _known: deque[list[float]] = field(default_factory=lambda: deque(maxlen=KNOWN_ROWS))

    async def run(self) -> None:
        """Until cancelled. Outcomes reach the training's data every few seconds."""
        rng, people = np.random.default_rng(7), {name: visits(name) for name in ("screening", "referrals", "broken")}
        timeout, pending = aiohttp.ClientTimeout(total=20), set[asyncio.Task[None]]()
        headers = {"Host": self.host, "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            try:
                while True:
                    rows = people[self.population].sample(ROWS_OF_A_REQUEST, replace=True, random_state=rng)
                    if len(pending) < 100:
                        task = asyncio.create_task(self._ask(session, rows, rng))
                        pending.add(task)
                        task.add_done_callback(pending.discard)
                    await asyncio.sleep(1.0 / self.rate)
            finally:  # what is under way gets its answer: a session that closes would make it fail
                await asyncio.gather(*pending)

    async def tell_outcomes(self) -> None:
        """Until cancelled: what was true reaches the data that trainings read."""
        while True:
            await asyncio.sleep(3.0)
            if len(self._known) == KNOWN_ROWS and self.population != "broken":
                rows = pd.DataFrame(list(self._known), columns=[*MEASUREMENTS, OUTCOME])
                await asyncio.to_thread(self.upload, rows)

    def upload(self, rows: pd.DataFrame) -> None:
        """Put rows into MLflow's artifact store."""
        content = rows.to_csv(index=False).encode()
        request = urllib.request.Request(f"{self.mlflow_url}/{DATA}/{FILE}", data=content, method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def change(self, population: Population) -> None:
        """From now on others come; a clinic that changes its systems keeps no half of its old rows."""
        self.population = population
        if population == "referrals":
            self._known.clear()

    async def _ask(self, session: aiohttp.ClientSession, rows: pd.DataFrame, rng: np.random.Generator) -> None:
        shown = rows[list(MEASUREMENTS)].astype(object)
        if self.population == "broken":
            shown.loc[rng.random(len(shown)) < MISSING, MEASUREMENTS[0]] = None
        body = json.dumps({"dataframe_split": {"columns": list(MEASUREMENTS), "data": shown.to_numpy().tolist()}})
        try:
            async with session.post(f"{self.url}/invocations", data=body) as answer:
                given = await answer.json(content_type=None)
                scores = np.array(given["predictions"])[:, 1] if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            scores = None
        if scores is None:
            self.failed += 1
            return
        self.answered += 1
        truth = rows[OUTCOME].to_numpy()
        self.accuracy.append((time.time(), int(((scores > 0.5) == truth).sum()), len(truth)))
        self._known.extend(rows[[*MEASUREMENTS, OUTCOME]].to_numpy().tolist())
