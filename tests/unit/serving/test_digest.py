"""The digest of a folder is what coreutils compute, and pins every byte and name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Forbidden, Invalid, NotFound
from rollmodel.serving.digest import folder_digest, main


def write(root: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="coreutils are not installed")
def test_the_digest_is_the_one_that_coreutils_compute(tmp_path: Path) -> None:
    write(tmp_path, {"MLmodel": b"a", "data/model.skops": b"\0" * 3_000_000, "Z": b"", "a b/ü": b"x"})
    (tmp_path / "empty").mkdir()
    command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum"
    out = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert folder_digest(tmp_path) == "sha256:" + out.split()[0]


names = st.text("abc.-_", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
trees = st.dictionaries(names, st.binary(max_size=8), min_size=1, max_size=4)


@given(trees, trees)
def test_different_trees_have_different_digests(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    def digest(files: dict[str, bytes]) -> str:
        return tree_digest({path: content.hex().rjust(64, "0") for path, content in files.items()})

    assert (digest(one) == digest(other)) == (one == other)


def test_a_single_file_is_a_model_too(tmp_path: Path) -> None:
    write(tmp_path, {"model.onnx": b"weights"})
    assert folder_digest(tmp_path / "model.onnx") == folder_digest(tmp_path)


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"MLmodel": b"a"})
    link = tmp_path / "secret"
    link.symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="secret"):
        folder_digest(tmp_path)
    link.unlink()
    (tmp_path / "folder").symlink_to(tmp_path.parent, target_is_directory=True)
    with pytest.raises(Invalid, match="folder"):
        folder_digest(tmp_path)
    (tmp_path / "folder").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid, match="pipe"):
        folder_digest(tmp_path)


def test_nothing_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        folder_digest(tmp_path)
    with pytest.raises(NotFound):
        folder_digest(tmp_path / "absent")


def test_the_command_prints_the_digest_or_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "model", {"MLmodel": b"a"})
    assert main([str(tmp_path / "model")]) == 0
    assert capsys.readouterr().out.strip() == folder_digest(tmp_path / "model")
    assert main([str(tmp_path / "other")]) == 1
    assert capsys.readouterr().err.startswith("NotFound: ")


def test_a_line_break_in_a_name_cannot_stand_for_two_files(tmp_path: Path) -> None:
    """With it, two trees would have the same lines."""
    digest = "0" * 64
    with pytest.raises(Invalid, match="line break"):
        tree_digest({f"a\n{digest}  b": digest})
    write(tmp_path, {"a\nb": b"x"})
    with pytest.raises(Invalid, match="control characters"):
        folder_digest(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"MLmodel": b"a", "secret/b": b"b"})
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(Forbidden, match="secret cannot be read: Permission denied"):
        folder_digest(tmp_path)
