"""The demo's side of MLflow: train and register, move the alias, read back what the operator wrote."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from demo.stack import ROOT
from examples.models.train import MODEL_NAME

__all__ = ["CHALLENGER", "CHAMPION", "Registry"]

CHALLENGER = "challenger"
CHAMPION = "champion"
TRAINING_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Registry:
    """One MLflow server."""

    url: str

    def train(self) -> str:
        """Train and register all versions with the example's own command; returns what it printed."""
        script = ROOT / "examples" / "models" / "train.py"
        done = subprocess.run(
            [sys.executable, str(script), "--tracking-uri", self.url],
            capture_output=True,
            text=True,
            timeout=TRAINING_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"training failed:\n{done.stderr[-4000:]}")
        return "\n".join(line for line in done.stdout.splitlines() if line[:1] == "v" and ": version" in line)

    def versions(self) -> list[str]:
        """The newest three versions, oldest first: v1, v2, v3 of the story."""
        found = self._client().search_model_versions(f"name='{MODEL_NAME}'")
        return [str(number) for number in sorted(int(version.version) for version in found)[-3:]]

    def begin(self, version: str) -> None:
        """As in a new registry: the alias names this version, and a champion of an earlier story is forgotten."""
        self._client().delete_registered_model_alias(MODEL_NAME, CHAMPION)
        self.challenge(version)

    def challenge(self, version: str) -> None:
        """Move the alias that the ModelDeployment follows: all that a training pipeline has to do."""
        self._client().set_registered_model_alias(MODEL_NAME, CHALLENGER, version)

    def champion(self) -> str:
        """The version that the operator's alias points to."""
        return str(self._client().get_model_version_by_alias(MODEL_NAME, CHAMPION).version)

    def tags(self, version: str) -> dict[str, str]:
        """The tags of one version."""
        return dict(self._client().get_model_version(MODEL_NAME, version).tags)

    def _client(self) -> Any:
        from mlflow import MlflowClient  # noqa: PLC0415  takes seconds, and the first lines should show at once

        return MlflowClient(self.url)
