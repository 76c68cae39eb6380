"""The training example's model, audit and explanations: deterministic, honest about folds, right about groups."""

import numpy as np
import pandas as pd
import pytest

from examples.training import cohort
from examples.training.audit import audit
from examples.training.card import model_card
from examples.training.job import Job, Recipe
from examples.training.train import cross_validate, fit

#: shap brings matplotlib's colours, and with them a warning that is none of ours.
colours = pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return cohort.read(cohort.write(tmp_path_factory.mktemp("cohort")).parent)


def predictions(rows: pd.DataFrame, recipe: Recipe, seed: int = 7) -> pd.Series:
    found: pd.Series = pd.concat(list(cross_validate(recipe, rows, seed))).reindex(rows.index)
    return found


def test_each_patient_is_judged_once_and_the_seed_decides_by_whom(rows: pd.DataFrame) -> None:
    folds = list(cross_validate(Recipe(folds=5), rows, 7))
    assert len(folds) == 5
    assert sorted(pd.concat(folds).index) == sorted(rows.index)
    assert all(fold.equals(again) for fold, again in zip(folds, cross_validate(Recipe(folds=5), rows, 7), strict=True))
    assert not folds[0].index.equals(next(cross_validate(Recipe(folds=5), rows, 8)).index)


def test_a_model_of_one_sex_sees_no_other(rows: pd.DataFrame) -> None:
    truth = cohort.labels(rows)
    recipe = Recipe(trained_on="sex-1")
    spoiled = rows.assign(bmi=rows["bmi"].where(rows["sex"] == 1, 0.0))
    np.testing.assert_array_equal(
        fit(recipe, rows, truth)[-1].coef_,
        fit(recipe, spoiled, truth)[-1].coef_,
    )
    with pytest.raises(ValueError, match="0 sample"):
        fit(Recipe(trained_on="sex-9"), rows, truth)


def test_the_audit_counts_what_it_says() -> None:
    groups = pd.DataFrame({"sex": ["a"] * 4 + ["b"] * 4})
    truth, predicted = pd.Series([1, 1, 0, 0, 1, 1, 0, 0]), pd.Series([1, 1, 0, 0, 1, 0, 1, 0])
    metrics, report = audit(truth, predicted, groups)
    assert metrics == {
        "recall/slice/a": 1.0,
        "recall/slice/b": 0.5,
        "recall_gap/sex": 0.5,
        "false_positive_rate_gap/sex": 0.5,
    }
    assert report["sex"]["groups"]["b"] == {
        "recall": 0.5,
        "false_positive_rate": 0.5,
        "selection_rate": 0.5,
        "rows": 4,
    }


@pytest.mark.parametrize(("trained_on", "fair"), [("everyone", True), ("sex-1", False)])
def test_the_gap_between_sexes_is_what_the_gates_of_the_examples_tell_apart(
    rows: pd.DataFrame, trained_on: str, fair: bool
) -> None:
    found = predictions(rows, Recipe(trained_on=trained_on))
    metrics, _ = audit(cohort.labels(rows), found, cohort.groups(rows))
    assert bool(metrics["recall_gap/sex"] <= 0.2) is fair


@colours
def test_explanations_of_a_linear_model_are_exact(rows: pd.DataFrame) -> None:
    from examples.training.explain import explain

    model = fit(Recipe(features=("bmi", "age")), rows, cohort.labels(rows))
    found = explain(model, ("bmi", "age"), rows, cohort.groups(rows))
    scaled = (rows["bmi"] - rows["bmi"].mean()) / rows["bmi"].std(ddof=0)
    assert found["all"]["bmi"] == pytest.approx(abs(model[-1].coef_[0, 0]) * scaled.abs().mean(), abs=1e-4)
    assert list(found["all"]) == ["bmi", "age"]
    assert set(found["groups"]) == {"sex-1", "sex-2", "age-under-40", "age-40-59", "age-60-plus"}


@colours
def test_the_card_names_groups_gaps_and_limits(rows: pd.DataFrame) -> None:
    from examples.training.explain import explain

    groups, truth = cohort.groups(rows), cohort.labels(rows)
    recipe = Recipe(trained_on="sex-1")
    metrics, bias = audit(truth, predictions(rows, recipe), groups)
    found = explain(fit(recipe, rows, truth), recipe.features, rows, groups)
    env = {"MLFLOW_RUN_ID": "r", "ROLLMODEL_INPUT_COHORT": "/x", "ROLLMODEL_SEED": "7"}
    card = model_card(Job.from_environment(env), len(rows), {**metrics, "f1": 0.7512}, bias, found)
    assert "F1 0.751" in card
    assert f"| sex-2 | 207 | {metrics['recall/slice/sex-2']:.3f} |" in card
    assert f"{metrics['recall_gap/sex']:.3f} by sex" in card
    assert "Trained on: everyone" in card
