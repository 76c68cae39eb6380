"""``rollmodel input``: a report of exactly what was read, or one line that says why not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch import download
from rollmodel.serving.fetch import input as command
from rollmodel.serving.sources import factory

from tests.unit.serving.bucket import Bucket
from tests.unit.serving.conftest import Store
from tests.unit.serving.inputs import WRONG, Pod, report

CONTENT = bytes(range(256)) * 9000


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.0)


def test_a_folder_is_copied_and_reported(data: Path, pod: Pod) -> None:
    assert pod.bring(data) == 0
    assert pod.report() == report(data, folder_digest(data))
    assert folder_digest(pod.dest) == folder_digest(data)


def test_a_single_file_keeps_its_name(data: Path, pod: Pod) -> None:
    assert pod.bring(f"file://{data}/a.csv") == 0
    assert (pod.dest / "a.csv").read_text() == "1,2\n"
    assert pod.report() == report(f"file://{data}/a.csv", folder_digest(data / "a.csv"))


def test_the_first_report_pins_the_next_attempt(data: Path, pod: Pod, tmp_path: Path) -> None:
    assert pod.bring(data) == 0
    pinned = str(pod.report()["digest"])
    assert pod.bring(data, "--digest", pinned) == 0
    (data / "a.csv").write_text("5,6\n")
    assert pod.bring(data, "--digest", pinned) == 0  # it is there already
    assert Pod(tmp_path / "other").bring(data, "--digest", pinned) == 1


def test_without_a_pin_the_input_is_read_anew(data: Path, pod: Pod) -> None:
    assert pod.bring(data) == 0
    before = pod.report()
    (data / "a.csv").write_text("5,6\n")
    assert pod.bring(data) == 0
    assert pod.report() == report(data, folder_digest(data)) != before
    assert folder_digest(pod.dest) == folder_digest(data)


@pytest.mark.parametrize("options", [[], ["--digest", WRONG]])
def test_files_of_somebody_else_are_never_removed(data: Path, pod: Pod, options: list[str]) -> None:
    pod.dest.mkdir(parents=True)
    (pod.dest / "thesis.txt").write_text("years of work")
    assert pod.bring(data, *options) == 1
    assert pod.reason() == "DestinationNotEmpty"
    assert (pod.dest / "thesis.txt").exists()


def test_what_an_earlier_try_left_is_no_part_of_an_unpinned_input(data: Path, pod: Pod) -> None:
    left = pod.dest.parent / ".train.partial-unpinned/files"
    left.mkdir(parents=True)
    (left / "a.csv").write_text("9,9\n")  # of the right size
    assert pod.bring(data) == 0
    assert pod.report()["digest"] == folder_digest(data)


def test_a_wrong_digest_leaves_nothing(data: Path, pod: Pod) -> None:
    assert pod.bring(data, "--digest", WRONG) == 1
    assert pod.log.read_text() == f"DigestMismatch: expected {WRONG} got {folder_digest(data)}\n"
    assert not pod.dest.exists()


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', None])
def test_an_unpinned_file_is_resumed_only_where_the_server_knows_it_again(
    store: Store, pod: Pod, etag: str | None
) -> None:
    store.files["/data.bin"] = CONTENT
    store.cut["/data.bin"] = [1, 2_000_000]  # the first answer is that to `list`, which reads no body
    if etag:
        store.etag["/data.bin"] = etag
    assert pod.bring(f"{store.url}/data.bin?signature=hush") == 0
    assert (pod.dest / "data.bin").read_bytes() == CONTENT
    assert pod.report() == report(f"{store.url}/data.bin", folder_digest(pod.dest))
    resumed = [wanted for _, wanted, _ in store.seen][2:]
    assert resumed == (["bytes=2000000-"] if etag == '"1"' else [None])


def test_content_that_changed_in_between_is_read_from_its_beginning(
    store: Store, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.files["/data.bin"], store.etag["/data.bin"] = CONTENT, '"1"'
    store.cut["/data.bin"] = [1, 2_000_000]
    changed = CONTENT[::-1]

    def change(_: float) -> None:
        store.files["/data.bin"], store.etag["/data.bin"] = changed, '"2"'

    retry = download.retry
    monkeypatch.setattr(download, "retry", lambda call, *, pause: retry(call, pause=change))
    assert pod.bring(f"{store.url}/data.bin") == 0
    assert (pod.dest / "data.bin").read_bytes() == changed
    assert pod.report()["digest"] == folder_digest(pod.dest)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    found = Bucket(versions={"d/data.csv": {"v1": b"old", "v2": b"new"}, "d/more.csv": {"v7": b"x"}})
    monkeypatch.setattr(factory, "s3_client", lambda: found)
    return found


@pytest.mark.parametrize(("options", "version"), [([], "v2"), (["--version", "v1"], "v1")])
def test_a_version_of_an_object(bucket: Bucket, pod: Pod, options: list[str], version: str) -> None:
    assert pod.bring("s3://bucket/d/data.csv", *options) == 0
    assert (pod.dest / "data.csv").read_bytes() == bucket.versions["d/data.csv"][version]
    assert pod.report() == report("s3://bucket/d/data.csv", folder_digest(pod.dest), version)
    assert pod.bring("s3://bucket/d/data.csv", *options, "--digest", folder_digest(pod.dest)) == 0
    assert pod.report() == report("s3://bucket/d/data.csv", folder_digest(pod.dest), version)


@pytest.mark.usefixtures("bucket")
def test_a_prefix_has_a_digest_and_no_version(pod: Pod) -> None:
    assert pod.bring("s3://bucket/d") == 0
    assert pod.report() == report("s3://bucket/d", folder_digest(pod.dest))
    assert {path.name for path in pod.dest.iterdir()} == {"data.csv", "more.csv"}


@pytest.fixture
def registry(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Version 3 of every model: one file."""
    says = {
        "/api/2.0/mlflow/model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/1/m"},
        "/api/2.0/mlflow-artifacts/artifacts": {"files": [{"path": "MLmodel", "is_dir": False, "file_size": 2}]},
    }
    store.files |= {path: json.dumps(answer).encode() for path, answer in says.items()}
    store.files["/api/2.0/mlflow-artifacts/artifacts/1/m/MLmodel"] = b"{}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.url)
    return store


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("models:/churn/3", []),
        ("models:/churn/3", ["--version", "3"]),
        ("models:/churn", ["--version", "3"]),
        ("models:/churn@champion", ["--version", "3"]),
    ],
)
def test_a_registered_version(registry: Store, pod: Pod, uri: str, options: list[str]) -> None:
    assert pod.bring(uri, *options) == 0
    assert pod.report() == report(uri, folder_digest(pod.dest), "3")
    assert registry.seen[0][0].endswith("?name=churn&version=3")


@pytest.mark.parametrize(
    ("uri", "options", "reason"),
    [
        ("models:/churn/3", ["--version", "4"], "VersionMismatch"),
        ("models:/churn@champion", [], "Invalid"),
        ("models:/m-1", ["--version", "4"], "Unsupported"),
        ("runs:/1/data", ["--version", "4"], "Unsupported"),
        ("https://store.example/x", ["--version", "4"], "Unsupported"),
        ("/data", ["--version", "4"], "Unsupported"),
        ("pvc://claim", ["--version", "4", "--mounted", "/data"], "Unsupported"),
        ("dvc://repository/data", [], "Unsupported"),
        ("https://store.example/" + "x" * 2600, [], "Invalid"),
    ],
)
def test_what_cannot_be_verified_is_refused(
    registry: Store, pod: Pod, uri: str, options: list[str], reason: str
) -> None:
    assert pod.bring(uri, *options) == 1
    assert pod.reason() == reason
    assert registry.seen == []


def test_a_report_that_cannot_be_written_is_a_failure(data: Path, pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.log = data
    assert pod.bring(data) == 1
    assert capsys.readouterr().err.startswith("VolumeError: ")


@given(st.text(max_size=650), st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=500))
def test_a_report_fits_into_the_termination_log(path: str, version: str) -> None:
    uri = "s3://b/" + path
    if len(json.dumps(uri, ensure_ascii=False).encode()) <= command.MAX_URI_BYTES:
        line = command.Report("n" * 63, uri, version, WRONG).line()
        assert len(line.encode()) <= 4096
        assert json.loads(line)["uri"] == uri
