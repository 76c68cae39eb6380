"""A tracking server in memory: as much of MLflow's behaviour as a training run can notice.

``tests/support/contracts/tracking.py`` holds it and the real adapter to the same promises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rollmodel.errors import Invalid, NotFound, RollmodelError
from rollmodel.plan.access.tenancy import not_yours
from rollmodel.plan.decision import CreateRun, CreateVersion, DatasetInput, LogRun, RunStatus, SetRunStatus
from rollmodel.plan.training.observed import MetricPoint, TrackedRun, TrackedVersion
from rollmodel.ports.registry import Connection

__all__ = ["InMemoryTracking"]

OWNER = "rollmodel.dev/owner"
HASH = "rollmodel.dev/reproducibility-hash"


def _nothing(method: str) -> None:
    """Goes well."""


@dataclass
class InMemoryTracking:
    """Experiments, runs and versions. ``down`` is raised by every call while it is set.

    ``fault(method)`` is called before each call, ``aftermath(method)`` after each that wrote; either may raise.
    ``calls`` records the methods that were called, ``asked_by`` with which login.
    """

    runs: dict[str, TrackedRun] = field(default_factory=dict)
    inputs: dict[str, list[DatasetInput]] = field(default_factory=dict)
    values: dict[tuple[str, str], list[tuple[int, float]]] = field(default_factory=dict)
    files: dict[str, set[str]] = field(default_factory=dict)
    logged_models: set[tuple[str, str]] = field(default_factory=set)
    versions: dict[tuple[str, int], TrackedVersion] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    down: RollmodelError | None = None
    fault: Callable[[str], None] = _nothing
    aftermath: Callable[[str], None] = _nothing
    calls: list[str] = field(default_factory=list)
    asked_by: list[Connection] = field(default_factory=list)

    # --- what the training code and people do ---------------------------------------------------------------------

    def log_metric(self, run_id: str, name: str, *values: float) -> None:
        """The code logs values at steps 0, 1, .."""
        self.values.setdefault((run_id, name), []).extend(enumerate(values))
        step, value = max(dict(self.values[run_id, name]).items())
        run = self.runs[run_id]
        point = MetricPoint(value, step, run.started)
        self.runs[run_id] = replace(run, metrics={**run.metrics, name: point})

    def log_file(self, run_id: str, *paths: str) -> None:
        """The code logs artifacts."""
        self.files.setdefault(run_id, set()).update(paths)

    def log_model(self, run_id: str, name: str = "model") -> None:
        """The code logs a model, as MLflow 3 does."""
        self.logged_models.add((run_id, name))

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Somebody sets a tag of a run."""
        run = self.runs[run_id]
        self.runs[run_id] = replace(run, tags={**run.tags, key: value})

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Somebody points an alias to a version."""
        self.aliases[model, alias] = version

    def delete_experiment(self, name: str) -> None:
        """Somebody deletes an experiment with its runs."""
        self.deleted.add(self.experiments[name])

    def claim(self, what: str, owner: str | None) -> None:
        """Who comes first has it."""
        if owner is not None and (holder := self.owners.setdefault(what, owner)) != owner:
            raise not_yours(what, holder, owner)

    # --- rollmodel.ports.Tracking ---------------------------------------------------------------------------------

    async def find_run(self, connection: Connection, experiment: str, owner: str) -> TrackedRun | None:
        self._ask("find_run", connection)
        experiment_id = self.experiments.get(experiment, "")
        return next((run for run in self._active(experiment_id) if run.tags.get(OWNER) == owner), None)

    async def find_rerun(self, connection: Connection, experiment_id: str, hash_: str, *, but: str) -> str | None:
        self._ask("find_rerun", connection)
        same = (run for run in self._active(experiment_id) if run.tags.get(HASH) == hash_)
        return next((run.id for run in same if run.status == "FINISHED" and run.id != but), None)

    async def get_run(self, connection: Connection, run_id: str) -> TrackedRun:
        self._ask("get_run", connection)
        return self._run(run_id)

    async def history(self, connection: Connection, run_id: str, metric: str) -> Sequence[float]:
        self._ask("history", connection)
        return [value for _, value in sorted(dict(self.values.get((run_id, metric), [])).items())][:1000]

    async def artifacts(self, connection: Connection, run_id: str, paths: Sequence[str]) -> frozenset[str]:
        self._ask("artifacts", connection)
        self._run(run_id)
        return frozenset(path for path in paths if self._has_file(run_id, path.rstrip("/")))

    async def version_of(self, connection: Connection, model: str, owner: str) -> TrackedVersion | None:
        self._ask("version_of", connection)
        mine = [each for (name, _), each in sorted(self.versions.items()) if name == model]
        return next((each for each in mine if each.tags.get(OWNER) == owner), None)

    async def version_at(self, connection: Connection, model: str, alias: str) -> TrackedVersion | None:
        self._ask("version_at", connection)
        number = self.aliases.get((model, alias))
        return None if number is None else self.versions.get((model, int(number)))

    async def model_owner(self, connection: Connection, model: str) -> str | None:
        self._ask("model_owner", connection)
        return self.owners.get(f"model {model!r}")

    async def create_run(self, connection: Connection, write: CreateRun, *, owner: str | None = None) -> TrackedRun:
        self._ask("create_run", connection)
        self.claim(f"experiment {write.experiment!r}", owner)
        experiment_id = self.experiments.setdefault(write.experiment, str(len(self.experiments) + 1))
        if experiment_id in self.deleted:
            raise Invalid(f"experiment {write.experiment!r} was deleted in MLflow", reason="ExperimentDeleted")
        number = len(self.runs) + 1
        tags = {**write.tags, "mlflow.runName": write.name}
        run = TrackedRun(f"run-{number}", experiment_id, "RUNNING", 1_800_000_000.0 + number, tags=tags)
        self.runs[run.id] = run
        self.aftermath("create_run")
        return run

    async def log_run(self, connection: Connection, write: LogRun) -> None:
        self._ask("log_run", connection)
        run = self._writable(write.run_id)
        if any(run.params.get(key, value) != value for key, value in write.params.items()):
            raise Invalid("Changing param values is not allowed")
        logged = self.inputs.setdefault(run.id, [])
        logged += [given for given in write.inputs if given not in logged]
        self.runs[run.id] = replace(run, params={**run.params, **write.params}, tags={**run.tags, **write.tags})
        self.aftermath("log_run")

    async def set_run_status(self, connection: Connection, write: SetRunStatus) -> None:
        self._ask("set_run_status", connection)
        status: RunStatus = write.status
        self.runs[write.run_id] = replace(self._writable(write.run_id), status=status)
        self.aftermath("set_run_status")

    async def create_version(self, connection: Connection, write: CreateVersion, *, owner: str | None = None) -> str:
        self._ask("create_version", connection)
        self.claim(f"model {write.model!r}", owner)
        self._run(write.run_id)
        in_run = f"{write.artifact_path.strip('/')}/MLmodel" in self.files.get(write.run_id, ())
        if (write.run_id, write.artifact_path) not in self.logged_models and not in_run:
            raise NotFound(f"run {write.run_id} has not logged a model", reason="ModelNotLogged")
        number = 1 + max((number for name, number in self.versions if name == write.model), default=0)
        self.versions[write.model, number] = TrackedVersion(write.model, str(number), write.run_id, dict(write.tags))
        self.aftermath("create_version")
        return str(number)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _ask(self, method: str, connection: Connection) -> None:
        self.calls.append(method)
        self.asked_by.append(connection)
        if self.down is not None:
            raise self.down
        self.fault(method)

    def _active(self, experiment_id: str) -> list[TrackedRun]:
        runs = [] if experiment_id in self.deleted else list(self.runs.values())
        return sorted((run for run in runs if run.experiment_id == experiment_id), key=lambda run: run.started)

    def _run(self, run_id: str) -> TrackedRun:
        if run_id not in self.runs:
            raise NotFound(f"Run with id={run_id} not found")
        return self.runs[run_id]

    def _writable(self, run_id: str) -> TrackedRun:
        run = self._run(run_id)
        if run.experiment_id in self.deleted:
            raise Invalid(f"The run {run_id} must be in the 'active' state")
        return run

    def _has_file(self, run_id: str, path: str) -> bool:
        return any(file == path or file.startswith(f"{path}/") for file in self.files.get(run_id, ()))
