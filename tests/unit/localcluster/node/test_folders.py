from pathlib import Path
from typing import Any

import pytest

from localcluster.node.pods.folders import PodFolder, mounts, rewrite

MAPPING = {
    "/mnt/models": "/pod/volumes/model",
    "/mnt/models/cache": "/pod/volumes/cache",
    "/dev/termination-log": "/pod/m",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/mnt/models", "/pod/volumes/model"),
        ("/mnt/models/", "/pod/volumes/model/"),
        ("/mnt/models/a/b", "/pod/volumes/model/a/b"),
        ("/mnt/models/cache/x", "/pod/volumes/cache/x"),
        ("--model=/mnt/models/a", "--model=/pod/volumes/model/a"),
        ("/dev/termination-log", "/pod/m"),
        ("/mnt/models2", "/mnt/models2"),
        ("cat /mnt/models/a", "cat /mnt/models/a"),
        ("NAME=/mnt/models", "NAME=/mnt/models"),
        ("/other", "/other"),
        ("", ""),
    ],
)
def test_only_whole_paths_are_rewritten(text: str, expected: Any) -> None:
    assert rewrite(text, MAPPING) == expected


def test_a_mount_at_the_root_takes_every_absolute_path() -> None:
    assert rewrite("/etc/x", {"/": "/pod/root"}) == "/pod/root/etc/x"


def test_mounts_of_a_container(tmp_path: Path) -> None:
    folder = PodFolder(tmp_path, "uid")
    container = {
        "name": "c",
        "terminationMessagePath": "/last-words",
        "volumeMounts": [
            {"name": "data", "mountPath": "/data/"},
            {"name": "data", "mountPath": "/logs", "subPath": "a/b"},
        ],
    }
    assert mounts(container, folder) == {
        "/data": str(tmp_path / "uid/volumes/data"),
        "/logs": str(tmp_path / "uid/volumes/data/a/b"),
        "/last-words": str(tmp_path / "uid/messages/c"),
    }
    assert (tmp_path / "uid/volumes/data/a/b").is_dir()


def test_a_sub_path_may_be_a_file(tmp_path: Path) -> None:
    folder = PodFolder(tmp_path, "uid")
    (folder.volume("config") / "app.yaml").write_text("a: 1")
    container = {"name": "c", "volumeMounts": [{"name": "config", "mountPath": "/etc/app.yaml", "subPath": "app.yaml"}]}
    assert Path(mounts(container, folder)["/etc/app.yaml"]).read_text() == "a: 1"


def test_remove_leaves_nothing(tmp_path: Path) -> None:
    folder = PodFolder(tmp_path, "uid")
    folder.log("c", 0).write_text("x")
    folder.remove()
    assert list(tmp_path.iterdir()) == []
