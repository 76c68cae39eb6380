"""docs/guides/serve-your-own-model.md: its commands and files exist, and its words about the example are true."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from rollmodel.__main__ import COMMANDS
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli import COMMANDS as FOR_PEOPLE

from examples.wine.train import request_bodies, split

REPOSITORY = Path(__file__).parents[3]
PATH = REPOSITORY / "docs" / "guides" / "serve-your-own-model.md"
PAGE = PATH.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS_SHOWN = [line for block in BLOCKS for line in block.splitlines()]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((\.\.?/[^)#]+)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (PATH.parent / link).exists()


@pytest.mark.parametrize("command", COMMANDS_SHOWN)
def test_what_is_run_exists(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "rollmodel":
        assert words[1] in COMMANDS | FOR_PEOPLE
    for word in words:
        assert not word.startswith("examples/") or (REPOSITORY / word).is_file()


def test_the_manifest_is_what_the_page_says() -> None:
    manifest = yaml.safe_load((REPOSITORY / "examples" / "wine" / "wine.yaml").read_text())
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    assert spec.traffic is not None
    assert spec.traffic.hostnames == ["wine.example.com"]
    assert spec.analysis.metrics[0].ceiling is not None
    assert manifest["metadata"]["name"] == "wine"


def test_every_wine_held_out_becomes_a_request() -> None:
    _, held_out, _, _ = split()
    bodies = [json.loads(body)["dataframe_split"] for body in request_bodies()]
    assert all(body["columns"] == list(held_out.columns) for body in bodies)
    np.testing.assert_array_equal([body["data"][0] for body in bodies], held_out.to_numpy())
