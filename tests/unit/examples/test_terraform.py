"""The Terraform example: values that the chart takes, and variables that are declared and used."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[3]
FOLDER = REPOSITORY / "examples" / "terraform"
TEXT = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf")}


def test_the_chart_takes_the_values() -> None:
    import jsonschema  # type: ignore[import-untyped] # it builds parsers for seconds

    schema = json.loads((REPOSITORY / "charts" / "rollmodel" / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
    written = {"image": {"digest": ""}, "serverImage": {"digest": ""}}
    urls = {"settings": {"registry": {"url": "http://mlflow"}, "prometheus": {"url": "http://prometheus"}}}
    jsonschema.validate({**values, **written, **urls}, schema)
    assert values["replicas"] == 2


def test_variables_are_declared_and_used() -> None:
    declared = set(re.findall(r'^variable "(\w+)"', TEXT["variables.tf"], re.MULTILINE))
    assert declared == set(re.findall(r"\bvar\.(\w+)", TEXT["main.tf"]))
    assert all('description = "' in block for block in TEXT["variables.tf"].split("\nvariable ")[1:])


def test_the_chart_is_where_the_example_says() -> None:
    (path,) = re.findall(r'"(\.\./[\w./]+)"', TEXT["variables.tf"])
    assert (FOLDER / path / "Chart.yaml").is_file()
