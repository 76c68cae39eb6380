"""What counts as an image that fits a model."""

from importlib import metadata
from pathlib import Path

import pytest
from rollmodel.errors import Invalid
from rollmodel.serving.server.environment import check_environment, differences

INSTALLED = {
    "scikit-learn": "1.7.2",
    "mlflow": "3.17.2",
    "numpy": "2.2.0",
    "torch": "2.8.0+cu128",
    "odd": "2024.1.post1",
}


def version(name: str) -> str:
    try:
        return INSTALLED[name.lower()]
    except KeyError:
        raise metadata.PackageNotFoundError(name) from None


def model(folder: Path, requirements: str | None, python: str | None = "3.11.7") -> Path:
    flavor = f"flavors: {{python_function: {{python_version: {python}}}}}\n" if python else "flavors: {}\n"
    (folder / "MLmodel").write_text(flavor)
    if requirements is not None:
        (folder / "requirements.txt").write_text(requirements)
    return folder


@pytest.mark.parametrize(
    "requirements",
    [
        None,
        "",
        "# comment\n\n-r other.txt\n--index-url https://x\n-e .\n./wheel.whl\n/abs.whl\n",
        "scikit-learn==1.7.2",
        "scikit-learn==1.7.0  # another patch release of the series",
        "Scikit-Learn>=1.5,<2",
        "numpy",
        "mlflow==3.4.0",
        "torch==2.8.0",
        "odd==2024.1",
        'absent==1.0 ; python_version < "3"',
        "absent @ git+https://example.com/absent",
        "numpy==2.*",
        "git+https://example.com/other",
    ],
)
def test_images_that_fit(tmp_path: Path, requirements: str | None) -> None:
    found = list(differences(model(tmp_path, requirements), python="3.11.2", installed=version))
    assert found == ([] if "@" not in (requirements or "") else ["absent, image has none"])


@pytest.mark.parametrize(
    ("requirements", "difference"),
    [
        ("scikit-learn==1.5.2", "scikit-learn==1.5.2, image has 1.7.2"),
        ("scikit-learn==2.7.2", "scikit-learn==2.7.2, image has 1.7.2"),
        ("scikit-learn>=1.8", "scikit-learn>=1.8, image has 1.7.2"),
        ("scikit-learn==1.7.0,!=1.7.2", "scikit-learn!=1.7.2,==1.7.0, image has 1.7.2"),
        ("mlflow==3.18.0", "mlflow==3.18.0, image has 3.17.2"),
        ("mlflow==2.20.0", "mlflow==2.20.0, image has 3.17.2"),
        ("xgboost==3.0.0", "xgboost==3.0.0, image has none"),
        ("xgboost[scikit-learn]", "xgboost, image has none"),
    ],
)
def test_images_that_do_not_fit(tmp_path: Path, requirements: str, difference: str) -> None:
    assert list(differences(model(tmp_path, requirements), python="3.11.7", installed=version)) == [difference]


@pytest.mark.parametrize(("wanted", "fits"), [("3.11.0", True), ("3.12.7", False), ("2.7", False), (None, True)])
def test_the_series_of_python_must_be_the_same(tmp_path: Path, wanted: str | None, fits: bool) -> None:
    found = list(differences(model(tmp_path, None, wanted), python="3.11.9", installed=version))
    assert found == ([] if fits else [f"Python {wanted}, image has 3.11.9"])


def test_the_refusal_is_one_line_with_the_first_differences(tmp_path: Path) -> None:
    requirements = "\n".join(f"absent-{number}==1" for number in range(7))
    with pytest.raises(Invalid) as caught:
        check_environment(model(tmp_path, requirements, None), refuse=True)
    assert caught.value.reason == "IncompatibleEnvironment"
    assert str(caught.value).startswith("model wants absent-0==1, image has none; absent-1==1")
    assert str(caught.value).endswith("and 2 more")


def test_a_warning_is_enough_where_it_was_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_environment(model(tmp_path, "absent==1", None), refuse=False)
    assert "model wants absent==1, image has none" in caplog.text


def test_a_folder_without_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=str(tmp_path)) as caught:
        check_environment(tmp_path, refuse=False)
    assert caught.value.reason == "NoModel"
