"""What ``rollmodel.ports.Tracking`` promises, as tests that run against a real MLflow and against the one in memory.

A test module provides the fixtures ``tracking`` and ``code`` and inherits from :class:`TrackingContract`.
"""

from __future__ import annotations

import math
import secrets
from typing import Protocol

import pytest
from rollmodel.errors import Forbidden, Invalid, NotFound
from rollmodel.plan.decision import CreateRun, CreateVersion, DatasetInput, LogRun, SetRunStatus
from rollmodel.plan.training.names import TRAINING_JOB_TAG
from rollmodel.ports.registry import Connection
from rollmodel.ports.tracking import Tracking

__all__ = ["TrackingCode", "TrackingContract"]

OWNER = "rollmodel.dev/owner"
HASH = "rollmodel.dev/reproducibility-hash"


class TrackingCode(Protocol):
    """What the training code and people do to the server of ``connection``."""

    connection: Connection

    def log_metric(self, run_id: str, name: str, *values: float) -> None:
        """Log values at steps 0, 1, .."""
        ...

    def log_file(self, run_id: str, *paths: str) -> None:
        """Log artifacts of the run."""
        ...

    def log_model(self, run_id: str, name: str = "model") -> None:
        """Log a model as MLflow 3 does."""
        ...

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias to a version."""
        ...

    def delete_experiment(self, name: str) -> None:
        """Delete an experiment."""
        ...


def run_of(owner: str, **tags: str) -> CreateRun:
    """A new run in an experiment of its own."""
    return CreateRun(f"team/{owner}", owner, {OWNER: owner, **tags})


@pytest.fixture
def owner() -> str:
    """A UID that was never used before."""
    return secrets.token_hex(8)


class TrackingContract:
    """The promises. The fixtures come from the module that inherits."""

    async def test_what_nobody_created_is_not_found(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        assert await tracking.find_run(code.connection, f"team/{owner}", owner) is None
        with pytest.raises(NotFound):
            await tracking.get_run(code.connection, "nothing")
        assert await tracking.version_of(code.connection, owner, owner) is None
        assert await tracking.version_at(code.connection, owner, "champion") is None

    async def test_the_oldest_run_of_an_owner_is_found(
        self, tracking: Tracking, code: TrackingCode, owner: str
    ) -> None:
        here = code.connection
        first = (await tracking.create_run(here, run_of(owner))).id
        await tracking.create_run(here, run_of(owner))
        await tracking.create_run(here, CreateRun(f"team/{owner}", "other", {OWNER: "another"}))
        found = await tracking.find_run(here, f"team/{owner}", owner)
        assert found is not None
        assert (found.id, found.status, found.tags[OWNER]) == (first, "RUNNING", owner)
        assert found == await tracking.get_run(here, first)

    async def test_a_run_is_answered_as_it_was_made(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        made = await tracking.create_run(code.connection, run_of(owner))
        assert made == await tracking.get_run(code.connection, made.id)

    async def test_the_experiment_of_one_job_is_used_again(
        self, tracking: Tracking, code: TrackingCode, owner: str
    ) -> None:
        write = CreateRun(f"team/{owner}", "run", {TRAINING_JOB_TAG: f"team/{owner}"})
        first, second = [await tracking.create_run(code.connection, write) for _ in range(2)]
        assert first.experiment_id == second.experiment_id

    async def test_a_deleted_experiment_is_explained(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        code.delete_experiment(f"team/{owner}")
        assert await tracking.find_run(code.connection, f"team/{owner}", owner) is None
        with pytest.raises(Invalid) as refused:
            await tracking.create_run(code.connection, run_of(owner))
        assert refused.value.reason == "ExperimentDeleted"
        with pytest.raises(Invalid):
            await tracking.log_run(code.connection, LogRun(run_id, tags={"a": "b"}))

    async def test_what_is_logged_is_read_back(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        params = {f"p/{number}": "é" * 5000 for number in range(120)}
        tags = {f"rollmodel.dev/gate/{number}": str(number) for number in range(120)}
        inputs = (DatasetInput("data", f"sha256:{'a' * 64}", "s3://bucket/data"),)
        for _ in range(2):
            await tracking.log_run(code.connection, LogRun(run_id, params, tags, inputs))
        run = await tracking.get_run(code.connection, run_id)
        assert run.params == params
        assert tags.items() <= run.tags.items()

    async def test_a_param_keeps_its_value(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        await tracking.log_run(code.connection, LogRun(run_id, {"rate": "0.1"}))
        with pytest.raises(Invalid):
            await tracking.log_run(code.connection, LogRun(run_id, {"rate": "0.2"}, {"late": "tag"}))
        run = await tracking.get_run(code.connection, run_id)
        assert run.params == {"rate": "0.1"}
        assert "late" not in run.tags

    async def test_the_state_is_set(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        for _ in range(2):
            await tracking.set_run_status(code.connection, SetRunStatus(run_id, "KILLED"))
        assert (await tracking.get_run(code.connection, run_id)).status == "KILLED"
        with pytest.raises(NotFound):
            await tracking.set_run_status(code.connection, SetRunStatus("nothing", "KILLED"))

    async def test_metrics(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        code.log_metric(run_id, "auc/fold", 0.7, 0.9, 0.8)
        code.log_metric(run_id, "loss", math.nan)
        code.log_metric(run_id, "ratio", math.inf, -math.inf)
        assert list(await tracking.history(code.connection, run_id, "auc/fold")) == [0.7, 0.9, 0.8]
        code.log_metric(run_id, "auc/fold", 0.6, 0.9)  # the next attempt begins at its first step
        assert list(await tracking.history(code.connection, run_id, "auc/fold")) == [0.6, 0.9, 0.8]
        assert list(await tracking.history(code.connection, run_id, "never")) == []
        metrics = (await tracking.get_run(code.connection, run_id)).metrics
        assert (metrics["auc/fold"].value, metrics["auc/fold"].step) == (0.8, 2)
        assert math.isnan(metrics["loss"].value)
        assert metrics["ratio"].value == -math.inf
        assert list(await tracking.history(code.connection, run_id, "ratio")) == [math.inf, -math.inf]

    async def test_artifacts_are_found_in_folders_too(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        run_id = (await tracking.create_run(code.connection, run_of(owner))).id
        code.log_file(run_id, "card.md", "report/deep/bias.html")
        there = {"card.md", "report", "report/", "report/deep/bias.html"}
        absent = {"card", "card.md/x", "bias.html", "report/deep/bias", "none/at/all"}
        assert await tracking.artifacts(code.connection, run_id, sorted(there | absent)) == there

    async def test_a_rerun_is_another_finished_run(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        here = code.connection
        first, second = [(await tracking.create_run(here, run_of(owner, **{HASH: owner}))).id for _ in range(2)]
        experiment_id = (await tracking.get_run(here, first)).experiment_id
        assert await tracking.find_rerun(here, experiment_id, owner, but=second) is None
        for run_id in (first, second):
            await tracking.set_run_status(here, SetRunStatus(run_id, "FINISHED"))
        assert await tracking.find_rerun(here, experiment_id, owner, but=second) == first
        assert await tracking.find_rerun(here, experiment_id, owner, but=first) == second
        assert await tracking.find_rerun(here, experiment_id, "other", but=first) is None

    @pytest.mark.parametrize("how", ["logged model", "folder of the run"])
    async def test_a_model_becomes_a_version(
        self, tracking: Tracking, code: TrackingCode, owner: str, how: str
    ) -> None:
        here, model = code.connection, f"it's {owner}"
        run_id = (await tracking.create_run(here, run_of(owner))).id
        write = CreateVersion(model, run_id, "model", {OWNER: owner})
        with pytest.raises(NotFound) as missing:
            await tracking.create_version(here, write)
        assert missing.value.reason == "ModelNotLogged"
        if how == "logged model":
            code.log_model(run_id, "model")
        else:
            code.log_file(run_id, "model/MLmodel")
        assert [await tracking.create_version(here, write) for _ in range(2)] == ["1", "2"]
        found = await tracking.version_of(here, model, owner)
        assert found is not None
        assert (found.model, found.version, found.run_id, found.tags[OWNER]) == (model, "1", run_id, owner)
        assert await tracking.version_of(here, model, "another") is None

    async def test_an_experiment_is_of_the_namespace_that_made_it(
        self, tracking: Tracking, code: TrackingCode, owner: str
    ) -> None:
        here = code.connection
        for _ in range(2):
            await tracking.create_run(here, run_of(owner), owner="team-a")
        with pytest.raises(Forbidden, match="belongs to namespace 'team-a'") as refused:
            await tracking.create_run(here, run_of(owner), owner="team-b")
        assert refused.value.reason == "OwnedByAnother"
        await tracking.create_run(here, run_of(owner))  # nobody asks

    async def test_a_model_is_of_the_namespace_that_made_it(
        self, tracking: Tracking, code: TrackingCode, owner: str
    ) -> None:
        here = code.connection
        run_id = (await tracking.create_run(here, run_of(owner))).id
        code.log_model(run_id)
        write = CreateVersion(owner, run_id, "model", {})
        assert await tracking.model_owner(here, owner) is None
        await tracking.create_version(here, write, owner="team-a")
        assert await tracking.model_owner(here, owner) == "team-a"
        with pytest.raises(Forbidden, match="belongs to namespace 'team-a'"):
            await tracking.create_version(here, write, owner="team-b")
        assert await tracking.create_version(here, write, owner="team-a") == "2"

    async def test_an_alias_names_a_version(self, tracking: Tracking, code: TrackingCode, owner: str) -> None:
        here = code.connection
        run_id = (await tracking.create_run(here, run_of(owner))).id
        code.log_model(run_id)
        for number in ("1", "2"):
            await tracking.create_version(here, CreateVersion(owner, run_id, "model", {"n": number}))
        assert await tracking.version_at(here, owner, "champion") is None
        code.set_alias(owner, "champion", "2")
        found = await tracking.version_at(here, owner, "champion")
        assert found is not None
        assert (found.version, found.tags["n"]) == ("2", "2")
