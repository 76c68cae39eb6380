"""Objects in S3, by what boto3 hands over: listed, pinned to a version or an entity tag, and refused."""

import pytest
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Terminal, Unavailable
from rollmodel.serving.sources import RemoteFile
from rollmodel.serving.sources.factory import open_source
from rollmodel.serving.sources.s3 import S3Objects

from tests.unit.serving.bucket import Bucket


def test_objects_of_a_prefix_without_its_neighbours() -> None:
    objects = {"m/a/": b"", "m/a/MLmodel": b"12", "m/a/data/x": b"345", "m/a-2/MLmodel": b"other"}
    source = S3Objects(Bucket(objects), "b", "/m/a/")
    assert source.list() == [RemoteFile("MLmodel", 2), RemoteFile("data/x", 3)]
    with source.open("data/x", 1) as body:
        assert (body.offset, b"".join(body.chunks)) == (1, b"45")


def test_a_key_may_be_the_model() -> None:
    source = S3Objects(Bucket({"m/model.onnx": b"12"}), "b", "m/model.onnx")
    assert source.list() == [RemoteFile("model.onnx", 2)]
    with source.open("model.onnx", 0) as body:
        assert b"".join(body.chunks) == b"12"


def read(source: S3Objects, path: str) -> bytes:
    with source.open(path, 0) as body:
        return b"".join(body.chunks)


VERSIONS = {"d/data.csv": {"v1": b"old", "v2": b"newer"}}


@pytest.mark.parametrize(("asked", "expected"), [("v1", b"old"), ("v2", b"newer"), (None, b"newer")])
def test_a_version_of_a_single_object_is_read_and_told(asked: str | None, expected: bytes) -> None:
    source = S3Objects(Bucket(versions=VERSIONS), "b", "d/data.csv", asked)
    assert source.list() == [RemoteFile("data.csv", len(expected))]
    assert read(source, "data.csv") == expected
    assert source.version == (asked or "v2")


@pytest.mark.parametrize(("key", "version"), [("d/data.csv", "v3"), ("d", "v1"), ("x", "v1")])
def test_a_version_that_is_not_there(key: str, version: str) -> None:
    with pytest.raises(NotFound, match=f"has no version {version}, as a single object") as caught:
        S3Objects(Bucket(versions=VERSIONS), "b", key, version).list()
    assert caught.value.reason == "NoSuchVersion"


def test_a_newer_version_does_not_come_into_a_read_of_the_first() -> None:
    bucket = Bucket(versions={"data.csv": {"v1": b"old"}})
    source = S3Objects(bucket, "b", "data.csv")
    source.list()
    bucket.versions["data.csv"]["v2"] = b"new"
    assert read(source, "data.csv") == b"old"
    assert source.version == "v1"


@pytest.mark.parametrize("prefix", ["d", "d/x"])
def test_what_changes_while_it_is_read_is_no_input(prefix: str) -> None:
    bucket = Bucket({"d/x": b"old"})
    source = S3Objects(bucket, "b", prefix)
    source.list()
    assert source.version is None
    bucket.versions["d/x"] = {"null": b"new"}
    with pytest.raises(Terminal) as caught:
        read(source, "x")
    assert caught.value.reason == "ChangedWhileRead"


@pytest.mark.parametrize("key", ["m/../x", "m//x"])
def test_keys_that_lead_elsewhere_are_refused(key: str) -> None:
    with pytest.raises(Invalid):
        S3Objects(Bucket({key: b""}), "b", "m").list()


@pytest.mark.parametrize(
    ("code", "kind"), [("NoSuchBucket", NotFound), ("AccessDenied", Forbidden), ("SlowDown", Unavailable)]
)
def test_what_s3_refusals_mean(code: str, kind: type[RollmodelError]) -> None:
    with pytest.raises(kind, match=code):
        S3Objects(Bucket({}, refuse=code), "b", "m").list()


def test_an_empty_prefix_of_a_bucket_is_not_found() -> None:
    with pytest.raises(NotFound):
        S3Objects(Bucket({"other/x": b""}), "b", "m").list()


def test_without_boto3_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(Invalid, match="needs boto3"):
        open_source("s3://bucket/model")
