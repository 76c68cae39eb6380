import base64
from pathlib import Path
from typing import Any

import pytest

from localcluster.node.environment import ConfigError
from localcluster.node.volumes import write_volume

POD = {"metadata": {"name": "p", "namespace": "ns", "labels": {"a": "b"}}, "spec": {}, "status": {}}
OBJECTS = {
    ("configmaps", "files"): {"data": {"a.txt": "A"}, "binaryData": {"b.bin": base64.b64encode(b"\xff").decode()}},
    ("secrets", "key"): {"data": {"tls.key": base64.b64encode(b"K").decode()}},
}


async def lookup(resource: Any, name: str) -> Any:
    return OBJECTS.get((resource, name))


async def token(projection: Any) -> Any:
    return f"token for {projection.get('audience', 'the API server')}"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {}}, {}),
        ({"configMap": {"name": "files"}}, {"a.txt": b"A", "b.bin": b"\xff"}),
        ({"configMap": {"name": "files", "items": [{"key": "a.txt", "path": "x/y"}]}}, {"x/y": b"A"}),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        ({"secret": {"secretName": "key"}}, {"tls.key": b"K"}),
        ({"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}}, {"l": b'a="b"'}),
        (
            {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token"}},
                        {"secret": {"name": "key"}},
                        {"configMap": {"name": "files", "items": [{"key": "a.txt", "path": "a"}]}},
                    ]
                }
            },
            {"token": b"token for the API server", "tls.key": b"K", "a": b"A"},
        ),
    ],
)
async def test_volumes_become_files(tmp_path: Path, volume: Any, expected: Any) -> None:
    await write_volume(POD, {"name": "v", **volume}, tmp_path, lookup, token)
    assert contents(tmp_path) == expected


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "key", "items": [{"key": "x", "path": "x"}]}}, "non-existent secret key: x"),
        ({"hostPath": {"path": "/etc"}}, "hostPath"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, "persistentVolumeClaim"),
    ],
)
async def test_volumes_that_cannot_be_had(tmp_path: Path, volume: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await write_volume(POD, {"name": "v", **volume}, tmp_path, lookup, token)
