import sys
from pathlib import Path
from typing import Any

import pytest

from localcluster.node.images import Image, UnknownImageError, load_images, resolve

TABLE = {name: Image(name) for name in ("python", "python:3.12", "registry.example:5000/team/app", "app@sha256:1")}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python", "python"),
        ("python:3.12", "python:3.12"),
        ("python:3.13", "python"),
        ("python@sha256:abc", "python"),
        ("python:3.12@sha256:abc", "python:3.12"),
        ("registry.example:5000/team/app", "registry.example:5000/team/app"),
        ("registry.example:5000/team/app:v1", "registry.example:5000/team/app"),
        ("app@sha256:1", "app@sha256:1"),
    ],
)
def test_the_closest_entry_wins(reference: Any, expected: Any) -> None:
    assert resolve(TABLE, reference).name == expected


@pytest.mark.parametrize("reference", ["pythons", "team/python", "app@sha256:2", "registry.example:5000/team/other:v1"])
def test_an_unknown_image_is_an_error_that_names_it(reference: Any) -> None:
    with pytest.raises(UnknownImageError, match=reference):
        resolve(TABLE, reference)


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        (None, None, [sys.executable, "-m", "app", "--bind", "127.244.0.1"]),
        (None, ["--port", "1"], [sys.executable, "-m", "app", "--port", "1"]),
        (["sh"], None, ["sh"]),
        (["sh"], ["-c", "true"], ["sh", "-c", "true"]),
    ],
)
def test_command_replaces_the_entrypoint_and_args_replace_cmd(command: Any, args: Any, expected: Any) -> None:
    image = Image("app", entrypoint=("{python}", "-m", "app"), cmd=("--bind", "{listen}"))
    assert image.argv(command, args, listen="127.244.0.1") == expected


def test_the_table_that_is_shipped() -> None:
    images = load_images(Path(load_images.__code__.co_filename).parents[1] / "images.yaml")
    server = resolve(images, "rollmodel/server:1.2.3")
    assert server.argv(None, ["serve"], listen="x") == [sys.executable, "-m", "rollmodel", "serve"]
    assert not resolve(images, "pause:3.10").process


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.yaml").write_text("app: {entrypiont: [x]}")
    with pytest.raises(ValueError, match="entrypiont"):
        load_images(tmp_path / "images.yaml")
