"""MLflow's tracking server: bounded in time, careful with what it is told. The contract is tested on a real one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.errors import Forbidden, Invalid, NotFound
from rollmodel.plan.decision import CreateRun, CreateVersion, DatasetInput, LogRun, SetRunStatus
from rollmodel.ports.registry import Connection

from tests.unit.adapters.mlflow.tracking.conftest import RUN, VERSION, Scripted, missing, refusal


async def test_a_run_is_read(tracking: MlflowTracking, here: Connection, backend: Scripted) -> None:
    backend.pages["runs/get"] = {"run": RUN}
    run = await tracking.get_run(here, "r1")
    assert (run.id, run.experiment_id, run.status, run.started) == ("r1", "7", "RUNNING", 1.5)
    assert (run.metrics["auc"].value, run.metrics["auc"].step, run.metrics["auc"].time) == (0.5, 3, 2.5)


async def test_an_experiment_that_another_made_meanwhile_is_used(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    made = {"experiment": {"experiment_id": "7", "name": "team", "lifecycle_stage": "active"}}
    backend.pages = {
        "experiments/get-by-name": [missing(), made],
        "experiments/create": refusal(400, "RESOURCE_ALREADY_EXISTS"),
        "runs/create": {"run": RUN},
    }
    assert (await tracking.create_run(here, CreateRun("team", "churn", {"a": "x" * 9000}))).id == "r1"
    _, sent = backend.said[-1]
    assert (sent["experiment_id"], sent["run_name"]) == ("7", "churn")
    assert [len(tag["value"]) for tag in sent["tags"]] == [8000]


def job_run() -> CreateRun:
    """A run whose experiment has the name of its TrainingJob."""
    return CreateRun("team/churn", "churn", {"rollmodel.dev/trainingjob": "team/churn"})


async def test_the_experiment_of_a_new_job_is_made_without_a_look(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {"experiments/create": {"experiment_id": "7"}, "runs/create": {"run": RUN}}
    made = await tracking.create_run(here, job_run())
    assert (made.id, made.experiment_id, made.status) == ("r1", "7", "RUNNING")
    assert backend.pages_asked() == ["experiments/create", "runs/create"]


@pytest.mark.parametrize("why", [refusal(400, "RESOURCE_ALREADY_EXISTS"), refusal(403, "PERMISSION_DENIED")])
async def test_the_experiment_of_a_job_may_be_there(
    tracking: MlflowTracking, here: Connection, backend: Scripted, why: web.Response
) -> None:
    there = {"experiment": {"experiment_id": "7", "name": "team/churn", "lifecycle_stage": "active"}}
    backend.pages = {
        "experiments/create": why,
        "experiments/get-by-name": there,
        "runs/create": {"run": RUN},
    }
    assert (await tracking.create_run(here, job_run())).id == "r1"


async def test_who_may_not_make_an_experiment_is_told_so(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {"experiments/create": refusal(403, "PERMISSION_DENIED", "ask an admin")}
    with pytest.raises(Forbidden, match="ask an admin"):
        await tracking.create_run(here, job_run())


async def test_a_registered_model_that_another_made_meanwhile_is_used(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    model = {"info": {"model_id": "m-1", "experiment_id": "7", "name": "model", "status": "LOGGED_MODEL_READY"}}
    backend.pages = {
        "runs/get": {"run": RUN},
        "logged-models/search": {"models": [model]},
        "registered-models/create": refusal(400, "RESOURCE_ALREADY_EXISTS"),
        "model-versions/create": {"model_version": VERSION},
    }
    assert await tracking.create_version(here, CreateVersion("churn", "r1", "model", {"a": "b"})) == "3"
    _, sent = backend.said[-1]
    assert (sent["source"], sent["model_id"], sent["run_id"]) == ("models:/m-1", "m-1", "r1")
    assert sent["tags"] == [{"key": "a", "value": "b"}]


async def test_a_server_without_logged_models_has_them_among_its_artifacts(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {
        "runs/get": {"run": RUN},
        "logged-models/search": web.Response(status=404, text="<html>no page</html>"),
        "artifacts/list": {"files": [{"path": "deep/model/MLmodel"}]},
        "registered-models/get": {"registered_model": {"name": "churn"}},
        "model-versions/create": {"model_version": VERSION},
    }
    await tracking.create_version(here, CreateVersion("churn", "r1", "deep/model", {}))
    page, sent = backend.said[-1]
    assert (page, sent["source"]) == ("model-versions/create", "s3://b/r1/deep/model")


async def test_a_run_without_a_model_makes_no_version(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {"runs/get": {"run": RUN}, "logged-models/search": {}, "artifacts/list": {}}
    with pytest.raises(NotFound, match="artifactPath") as error:
        await tracking.create_version(here, CreateVersion("churn", "r1", "model", {}))
    assert error.value.reason == "ModelNotLogged"
    assert "registered-models/create" not in backend.pages_asked()


async def test_tags_are_logged_last_and_all_in_batches(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {"runs/log-batch": [{}, {}, {}, {}], "runs/log-inputs": {}}
    given = DatasetInput("data", f"sha256:{'a' * 64}", "https://data.example/x")
    params = {f"p{number}": "1" for number in range(101)} | {"long": "x" * 7000}
    await tracking.log_run(here, LogRun("r1", params, {"done": "yes"}, (given,)))
    assert backend.pages_asked() == ["runs/log-batch", "runs/log-batch", "runs/log-inputs", "runs/log-batch"]
    first, second, inputs, last = [sent for _, sent in backend.said]
    assert [len(batch["params"]) for batch in (first, second)] == [100, 2]
    assert len(second["params"][-1]["value"]) == 6000
    assert last["tags"] == [{"key": "done", "value": "yes"}]
    (dataset,) = inputs["datasets"]
    assert dataset["tags"] == [{"key": "mlflow.data.context", "value": "training"}]
    assert (dataset["dataset"]["source_type"], dataset["dataset"]["digest"]) == ("http", "a" * 36)
    assert json.loads(dataset["dataset"]["source"]) == {"url": "https://data.example/x"}


async def test_batches_are_bounded_in_bytes(tracking: MlflowTracking, here: Connection, backend: Scripted) -> None:
    backend.pages = {"runs/log-batch": [{}] * 20}
    await tracking.log_run(here, LogRun("r1", {f"p{number}": "é" * 6000 for number in range(60)}))
    sizes = [len(json.dumps(sent)) for _, sent in backend.said]
    assert max(sizes) < 1_000_000
    assert sum(len(sent["params"]) for _, sent in backend.said) == 60


async def test_no_tag_says_that_all_is_there_where_it_is_not(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages = {"runs/log-batch": refusal(400, "INVALID_PARAMETER_VALUE", "Changing param values is not allowed")}
    with pytest.raises(Invalid, match="Changing param values"):
        await tracking.log_run(here, LogRun("r1", {"a": "1"}, {"done": "yes"}))
    assert len(backend.said) == 1


async def test_history_is_read_by_step_over_all_pages(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    def page(*steps: int) -> dict[str, Any]:
        return {"metrics": [{"key": "m", "value": step / 10, "step": step, "timestamp": 1} for step in steps]}

    backend.pages["metrics/get-history"] = [{**page(5, 1), "next_page_token": "more"}, page(4, 2)]
    assert await tracking.history(here, "r1", "m") == [0.1, 0.2, 0.4, 0.5]
    assert backend.said[1][1]["page_token"] == "more"


async def test_history_has_an_end(tracking: MlflowTracking, here: Connection, backend: Scripted) -> None:
    metrics = [{"key": "m", "value": 1.0, "step": step, "timestamp": 1} for step in range(1500)]
    backend.pages["metrics/get-history"] = {"metrics": metrics, "next_page_token": "for ever"}
    assert len(await tracking.history(here, "r1", "m")) == 1000
    assert len(backend.said) == 1


async def test_a_folder_is_listed_once(tracking: MlflowTracking, here: Connection, backend: Scripted) -> None:
    backend.pages["artifacts/list"] = {"files": [{"path": "report/a"}, {"path": "report/b"}]}
    assert await tracking.artifacts(here, "r1", ["report/a", "report/b", "report/c"]) == {"report/a", "report/b"}
    assert backend.said == [("artifacts/list", {"run_id": "r1", "path": "report"})]


@pytest.mark.parametrize("state", ["FINISHED", "FAILED", "KILLED", "RUNNING"])
async def test_only_a_final_state_has_an_end(
    tracking: MlflowTracking, here: Connection, backend: Scripted, state: Any
) -> None:
    backend.pages["runs/update"] = {"run_info": RUN["info"]}
    await tracking.set_run_status(here, SetRunStatus("r1", state))
    _, sent = backend.said[0]
    assert sent["status"] == state
    assert ("end_time" in sent) == (state != "RUNNING")


async def test_names_with_quotes_are_searched_for(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages["model-versions/search"] = {}
    assert await tracking.version_of(here, "it's", "uid") is None
    assert backend.said[0][1]["filter"] == "name = \"it's\" and tags.`rollmodel.dev/owner` = 'uid'"
    with pytest.raises(Invalid, match="both kinds of quotes"):
        await tracking.version_of(here, 'it\'s "it"', "uid")
    assert len(backend.said) == 1
