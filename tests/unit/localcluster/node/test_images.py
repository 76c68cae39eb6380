import re
import sys
from pathlib import Path
from typing import Any

import pytest

from localcluster.node.containers import images
from localcluster.node.containers.images import Image, UnknownImageError, load_images, resolve

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
    table = load_images(Path(images.__file__).parents[2] / "images.yaml")
    server = resolve(table, "localhost/rollmodel/server:1.2.3")
    assert server.argv(None, ["serve"], listen="x") == [sys.executable, "-m", "rollmodel", "serve"]
    assert not resolve(table, "pause:3.10").process


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.yaml").write_text("app: {entrypiont: [x]}")
    with pytest.raises(ValueError, match="entrypiont"):
        load_images(tmp_path / "images.yaml")


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("python", "python"),
        ("rollmodel/server:1", "rollmodel/server"),
        ("app@sha256:1", "app"),
        ("registry.example:5000/team/app:v1", "registry.example_5000/team/app"),
    ],
)
def test_the_id_is_a_reference_by_digest(name: str, repository: str) -> None:
    assert re.fullmatch(rf"localcluster/{re.escape(repository)}@sha256:[0-9a-f]{{64}}", Image(name).id)


def test_the_id_follows_what_the_image_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def image_id(entry: str) -> str:
        (tmp_path / "images.yaml").write_text(f"app: {entry}")
        return load_images(tmp_path / "images.yaml")["app"].id

    monkeypatch.setattr(images, "_REPOSITORY", tmp_path)
    script = tmp_path / "code/train.py"
    script.parent.mkdir()
    script.write_text("1")
    entries = ["{cmd: [a]}", "{cmd: [b]}", "{entrypoint: [a]}", "{cmd: [a], env: {A: x}}", "{cmd: [a], folder: code}"]
    found = [image_id(entry) for entry in entries]
    assert len(set(found)) == len(entries)
    assert [image_id(entry) for entry in entries] == found
    (script.parent / "__pycache__").mkdir()
    (script.parent / "__pycache__/train.pyc").write_text("compiled")
    assert image_id(entries[-1]) == found[-1]
    script.write_text("2")
    assert image_id(entries[-1]) != found[-1]


def test_a_container_gets_its_own_copy_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_REPOSITORY", tmp_path)
    (tmp_path / "examples/code/__pycache__").mkdir(parents=True)
    (tmp_path / "examples/code/train.py").write_text("1")
    image = Image("app", folder="examples/code")
    for _ in range(2):  # a container that starts again
        image.unpack(tmp_path / "work")
    assert [path.name for path in (tmp_path / "work/examples/code").iterdir()] == ["train.py"]


def test_a_folder_that_is_not_there_spoils_its_own_image_only(tmp_path: Path) -> None:
    (tmp_path / "images.yaml").write_text("app: {folder: examples/none}\nother: {cmd: [x]}")
    table = load_images(tmp_path / "images.yaml")
    table["other"].unpack(tmp_path)
    with pytest.raises(FileNotFoundError, match="examples/none"):
        table["app"].unpack(tmp_path)
