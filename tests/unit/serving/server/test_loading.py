"""What a server does with a model folder before it listens."""

import json
from pathlib import Path

import pytest
from rollmodel.errors import Terminal
from rollmodel.serving.server.scoring import load

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and pandas advise the author of a model

CODE = """
import mlflow.models
import pandas as pd
from mlflow.pyfunc import PythonModel

class Doubles(PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        if (model_input["x"] < 0).any():
            raise ValueError("x is negative")
        return model_input["x"] * 2

mlflow.models.set_model(Doubles())
"""

FLAVOR = {"loader_module": "mlflow.pyfunc.model", "model_code_path": "code.py", "python_model": None}


def folder(root: Path, example: object = None, *, converted: bool = True, code: str = CODE) -> Path:
    """A model whose code lies beside it; ``converted``: its example was logged as a request body, too."""
    described: dict[str, object] = {"flavors": {"python_function": FLAVOR}, "model_uuid": "doubles"}
    (root / "code.py").write_text(code)
    if example:
        info = {"artifact_path": "example.json", "type": "dataframe", "pandas_orient": "split"}
        described["saved_input_example_info"] = info | ({"serving_input_path": "serving.json"} if converted else {})
        (root / "example.json").write_text(json.dumps(example))
        (root / "serving.json").write_text(json.dumps({"dataframe_split": example}))
    (root / "MLmodel").write_text(json.dumps(described))
    return root


def rows(*values: float) -> dict[str, object]:
    return {"columns": ["x"], "data": [[value] for value in values]}


def test_a_model_with_an_example_is_tried(tmp_path: Path) -> None:
    scorer, tried = load(folder(tmp_path, rows(1.0)))
    assert tried
    answer = scorer.score(json.dumps({"dataframe_split": rows(3.0)}).encode(), "application/json")
    assert json.loads(answer.body) == {"predictions": [{"x": 6.0}]}


def test_an_example_of_an_older_mlflow_is_tried_too(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="x is negative"):
        load(folder(tmp_path, rows(-1.0), converted=False))


def test_a_model_without_an_example_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, tried = load(folder(tmp_path))
    assert not tried
    assert "no input example" in caplog.text
    assert "no signature" in caplog.text


def test_a_model_that_cannot_answer_its_own_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match=r"^500 x is negative$") as caught:
        load(folder(tmp_path, rows(-1.0)))
    assert caught.value.reason == "InputExampleFailed"


def test_an_example_that_does_not_fit_the_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match=r"^400 ") as caught:
        load(folder(tmp_path, {"columns": ["x"], "data": [[1, 2]]}))
    assert caught.value.reason == "InputExampleFailed"


@pytest.mark.parametrize("code", ["import no_such_package", "1 / 0", "syntax error"])
def test_a_model_that_does_not_load_says_why(tmp_path: Path, code: str) -> None:
    with pytest.raises(Terminal) as caught:
        load(folder(tmp_path, code=code))
    assert caught.value.reason == "LoadFailed"
