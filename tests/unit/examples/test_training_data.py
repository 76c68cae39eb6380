"""The data of the training example: those that its manifests pin, and checked before anything is trained on them."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rollmodel.api.trainingjob import TrainingJobSpec
from rollmodel.serving.digest import folder_digest

from examples.training import cohort, validate
from examples.training.job import Recipe
from tests.support.yaml_text import all_from_yaml

FOLDER = Path(__file__).parents[3] / "examples" / "training"
SPECS = {
    path.stem: TrainingJobSpec.model_validate(body["spec"])
    for path in sorted(FOLDER.glob("progression*.yaml"))
    for body in all_from_yaml(path.read_text())
    if body["kind"] == "TrainingJob"
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cohort.write(tmp_path_factory.mktemp("cohort")).parent


@pytest.fixture
def rows(folder: Path) -> pd.DataFrame:
    return cohort.read(folder)


def test_the_manifests_pin_the_data_that_are_written(folder: Path) -> None:
    digests = {source.digest for spec in SPECS.values() if not spec.schedule for source in spec.inputs or ()}
    assert digests == {folder_digest(folder)}


def test_the_parameters_of_the_manifests_are_understood() -> None:
    recipes = {
        name: Recipe.of({parameter.name: parameter.value for parameter in spec.parameters or ()})
        for name, spec in SPECS.items()
    }
    assert recipes["progression"].features == ("bmi",)
    assert recipes["progression-all"].features == cohort.MEASUREMENTS
    assert recipes["progression-biased"].trained_on == "sex-1"
    assert recipes["progression-nightly"] == recipes["progression-all"]


def test_a_parameter_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="fold;"):
        Recipe.of({"fold": "3"})


def test_the_data_are_valid(rows: pd.DataFrame) -> None:
    found = validate.report(rows)
    assert (found["valid"], found["rows"], found["problems"]) == (True, 442, [])
    assert {"sex: isin([1, 2])", "all rows: both_sexes"} <= set(found["checks"])
    assert json.loads(json.dumps(found)) == found


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
    "a missing column": (lambda rows: rows.drop(columns="glucose"), ["glucose: is missing"]),
    "an unknown column": (lambda rows: rows.assign(name="x"), ["name: is not expected"]),
    "empty cells": (lambda rows: rows.assign(age=rows["age"].mask(rows.index < 3)), ["age: is empty (3 times)"]),
    "impossible": (lambda rows: rows.assign(bmi=rows["bmi"].mask(rows.index < 2, 900.0)), ["bmi: in_range(10, 80)"]),
    "another code": (lambda rows: rows.assign(sex=rows["sex"].mask(rows.index == 0, 3.0)), ["sex: isin([1, 2])"]),
    "one sex": (lambda rows: rows[rows["sex"] == 1], ["cohort: a sex has less than 20% of the rows"]),
    "few rows": (lambda rows: rows.head(50), ["cohort: fewer than 200 rows"]),
    "twice": (lambda rows: pd.concat([rows, rows.head(1)]), ["cohort: rows that occur twice"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_are_refused_in_words(rows: pd.DataFrame, case: str) -> None:
    spoil, expected = BAD[case]
    found = validate.report(spoil(rows))
    assert not found["valid"]
    assert [problem.removesuffix(" (2 times)") for problem in found["problems"]] == expected


@pytest.mark.parametrize(("spoilt", "code"), [(False, 75), (True, 1)])
def test_a_report_that_mlflow_does_not_take(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: bool, code: int
) -> None:
    """Valid data are looked at again; bad data are bad whoever listens."""
    (rows.drop(columns="bmi") if spoilt else rows).to_csv(tmp_path / cohort.FILE, index=False)
    environment = {
        "MLFLOW_RUN_ID": "r",
        "ROLLMODEL_INPUT_COHORT": str(tmp_path),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    for name, value in {**environment, "MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    assert validate.main() == code


def test_values_of_patients_stay_out_of_the_report(rows: pd.DataFrame) -> None:
    found = validate.report(rows.assign(bmi=rows["bmi"].mask(rows.index < 2, 987.25)))
    assert "987" not in json.dumps(found)


def test_every_patient_is_in_one_group_of_each_division(rows: pd.DataFrame) -> None:
    found = cohort.groups(rows)
    assert found["sex"].value_counts().to_dict() == {"sex-1": 235, "sex-2": 207}
    assert found["age"].value_counts().to_dict() == {"age-40-59": 222, "age-under-40": 117, "age-60-plus": 103}
    assert set(found.loc[rows["age"] == 40, "age"]) == {"age-40-59"}


def test_half_of_the_patients_progressed_faster(rows: pd.DataFrame) -> None:
    assert cohort.labels(rows).value_counts().to_dict() == {0: 221, 1: 221}
