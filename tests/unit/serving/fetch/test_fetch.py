"""``rollmodel fetch``: exactly the pinned model, or one line that says why not."""

import bz2
import errno
import gzip
import io
import os
import random
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from requests.auth import AuthBase, HTTPBasicAuth
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch import archive as archive_module
from rollmodel.serving.fetch import download, progress
from rollmodel.serving.fetch import model as fetch_model
from rollmodel.serving.sources.local import LocalFiles

from tests.unit.serving.conftest import Store

WRONG = "sha256:" + "0" * 64
FILES = {"MLmodel": b"flavors: {}\n", "data/model.skops": bytes(range(256)) * 9000, "requirements.txt": b""}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for path, content in FILES.items():
        target = tmp_path / "source" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tmp_path / "source"


class Pod:
    """A place to fetch into, and what the operator would read of it."""

    def __init__(self, folder: Path) -> None:
        self.dest = folder / "models/model"
        self.log = folder / "termination-log"

    def fetch(self, uri: object, digest: str, *options: str) -> int:
        arguments = ["--uri", str(uri), "--digest", digest, "--dest", str(self.dest), *options]
        return fetch_model.main([*arguments, "--termination-log", str(self.log)])

    def reason(self) -> str:
        text = self.log.read_text()
        assert text.count("\n") == 1
        return text.partition(":")[0]

    def leftovers(self) -> set[str]:
        return {path.name for path in self.dest.parent.iterdir()}


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path / "pod")


def test_a_model_arrives_whole_and_nothing_else_with_it(model: Path, pod: Pod) -> None:
    digest = folder_digest(model)
    assert pod.fetch(model, digest) == 0
    assert folder_digest(pod.dest) == digest
    assert pod.leftovers() == {"model", ".model.complete", ".model.lock"}
    assert not pod.log.exists()


def test_a_restarted_pod_reads_nothing_again(model: Path, pod: Pod) -> None:
    digest = folder_digest(model)
    assert pod.fetch(model, digest) == 0
    assert pod.fetch("/nowhere", digest) == 0


def test_a_changed_file_is_fetched_again(model: Path, pod: Pod) -> None:
    digest = folder_digest(model)
    pod.fetch(model, digest)
    os.utime(pod.dest / "MLmodel", (1, 1))
    assert pod.fetch(model, digest) == 0
    assert folder_digest(pod.dest) == digest


def test_another_version_replaces_what_we_wrote(model: Path, pod: Pod) -> None:
    pod.fetch(model, folder_digest(model))
    (model / "MLmodel").write_bytes(b"other")
    (model / "requirements.txt").unlink()
    assert pod.fetch(model, folder_digest(model)) == 0
    assert not (pod.dest / "requirements.txt").exists()


def test_a_crash_before_the_marker_costs_a_hash_and_no_transfer(model: Path, pod: Pod) -> None:
    digest = folder_digest(model)
    pod.fetch(model, digest)
    (pod.dest.parent / ".model.complete").unlink()
    assert pod.fetch("/nowhere", digest) == 0
    assert (pod.dest.parent / ".model.complete").exists()


def test_files_of_somebody_else_are_never_removed(model: Path, pod: Pod) -> None:
    pod.dest.mkdir(parents=True)
    (pod.dest / "thesis.txt").write_text("years of work")
    assert pod.fetch(model, folder_digest(model)) == 1
    assert pod.reason() == "DestinationNotEmpty"
    assert (pod.dest / "thesis.txt").exists()


def test_a_wrong_digest_leaves_no_model(model: Path, pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "sha256:" + "0" * 64
    assert pod.fetch(model, wrong) == 1
    assert pod.log.read_text() == f"DigestMismatch: expected {wrong} got {folder_digest(model)}\n"
    assert pod.log.read_text() in capsys.readouterr().err
    assert pod.leftovers() == {".model.lock"}


def test_a_broken_transfer_goes_on_by_range(store: Store, pod: Pod, model: Path) -> None:
    content = FILES["data/model.skops"]
    store.files["/model.skops"] = content
    store.cut["/model.skops"] = [1, 2_000_000]  # the first answer is that to `list`, which reads no body
    assert pod.fetch(f"{store.url}/model.skops", folder_digest(model / "data")) == 0
    assert (pod.dest / "model.skops").read_bytes() == content
    assert [wanted for _, wanted, _ in store.seen] == [None, None, "bytes=2000000-"]


@pytest.mark.parametrize("name", ["model.skops", "model.tar"])
def test_a_store_that_trickles_is_given_up(
    store: Store, pod: Pod, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It never falls silent for as long as a time-out, so nothing else would end it."""
    monkeypatch.setattr(progress, "LEAST_SECONDS", 0.4)
    store.files[f"/{name}"], store.trickle = b"x" * 1_000_000, 0.05
    assert pod.fetch(f"{store.url}/{name}", f"sha256:{'0' * 64}") == 1
    said = pod.log.read_text()
    assert re.match(r"TooSlow: the store hangs or is too slow: [01]\.\d kB in 0\.4 s, 0\.0 (of 1\.0 )?MB", said), said
    assert "are needed" in capsys.readouterr().err


def test_a_login_goes_to_its_host_alone(store: Store, pod: Pod, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP never gets it, so the login is asked for and the address is plain."""
    monkeypatch.setenv("HTTPS_TOKEN", "s3cret")
    store.files["/MLmodel"] = FILES["MLmodel"]
    assert pod.fetch(f"{store.url}/MLmodel", WRONG) == 1
    assert {login for _, _, login in store.seen} == {None}


def test_a_login_is_used(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_USERNAME", "ann")
    monkeypatch.setenv("HTTPS_PASSWORD", "s3cret")
    asked: list[AuthBase | None] = []

    def opened(uri: str, *, auth: AuthBase | None = None) -> LocalFiles:
        asked.append(auth)
        return LocalFiles(Path("/nowhere"))

    monkeypatch.setattr(fetch_model, "open_source", opened)
    assert pod.fetch("https://files.example.com/churn", WRONG) == 1
    assert asked == [HTTPBasicAuth(b"ann", b"s3cret")]


@pytest.mark.parametrize("path", ["", "/", "/data", "/data/model.skops"])
def test_a_claim_is_copied_and_verified(model: Path, pod: Pod, path: str) -> None:
    root = model / path.strip("/")
    assert pod.fetch(f"pvc://models{path}", folder_digest(root), "--mounted", str(model)) == 0
    assert folder_digest(pod.dest) == folder_digest(root)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/none", "NotFound"), ("/%2e%2e/x", "UnsafePath"), ("/link", "UnsafePath"), ("/MLmodel", "DigestMismatch")],
)
def test_a_claim_that_cannot_be_used(model: Path, pod: Pod, path: str, reason: str) -> None:
    (model / "link").symlink_to("/etc")
    assert pod.fetch(f"pvc://models{path}", WRONG, "--mounted", str(model)) == 1
    assert pod.reason() == reason


def test_a_claim_must_be_mounted(pod: Pod) -> None:
    assert pod.fetch("pvc://models/churn", WRONG) == 1
    assert pod.reason() == "Invalid"


_IMAGE = f"oci://registry.example.com/churn@sha256:{'1' * 64}"


def test_an_image_is_verified_where_it_is_mounted(model: Path, pod: Pod) -> None:
    """Nothing is copied, and nothing is written beside it: the folder above may be read-only."""
    pod.dest.parent.mkdir(parents=True)
    pod.dest.symlink_to(model)
    assert pod.fetch(_IMAGE, folder_digest(model)) == 0
    assert pod.leftovers() == {"model"}
    assert pod.fetch(_IMAGE, WRONG) == 1
    assert pod.reason() == "DigestMismatch"


@pytest.mark.parametrize("there", [True, False])
def test_an_image_that_is_not_mounted(pod: Pod, there: bool) -> None:
    """An API server without image volumes leaves them out, or puts an empty folder in their place."""
    (pod.dest if there else pod.dest.parent).mkdir(parents=True)
    assert pod.fetch(_IMAGE, WRONG) == 1
    assert pod.reason() == "NoImageVolume"
    assert "Kubernetes 1.35" in pod.log.read_text()


def archive(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_an_archive_is_unpacked_as_it_arrives(store: Store, pod: Pod, model: Path) -> None:
    store.files["/model.tgz"] = archive({f"./{path}": content for path, content in FILES.items()})
    assert pod.fetch(f"{store.url}/model.tgz", folder_digest(model)) == 0
    assert folder_digest(pod.dest) == folder_digest(model)


@pytest.mark.parametrize(
    "content",
    [
        archive({"../evil": b"x"}),
        archive({"/evil": b"x"}),
        archive({"MLmodel": b"x"}, link("evil", "/etc/passwd")),
        archive({"a/x": b"x"}, link("a", "/tmp")),  # noqa: S108
    ],
    ids=["upwards", "absolute", "through-a-file", "through-a-folder"],
)
def test_an_archive_cannot_write_elsewhere(store: Store, pod: Pod, content: bytes) -> None:
    store.files["/model.tgz"] = content
    assert pod.fetch(f"{store.url}/model.tgz", "sha256:" + "0" * 64) == 1
    assert pod.reason() == "UnsafePath"
    assert not list(pod.dest.parent.parent.rglob("evil"))


@pytest.mark.parametrize("content", [b"", b"<html>", archive(FILES)[:-4000]])
def test_a_broken_archive_is_refused(store: Store, pod: Pod, content: bytes) -> None:
    store.files["/model.tgz"] = content
    assert pod.fetch(f"{store.url}/model.tgz", "sha256:" + "0" * 64) == 1
    assert pod.reason() in {"Invalid", "DigestMismatch"}
    assert not pod.dest.exists()


def test_a_bz2_of_several_streams_says_what_it_is(store: Store, pod: Pod) -> None:
    plain = gzip.decompress(archive({"weights": random.Random(1).randbytes(200_000)}))  # noqa: S311
    store.files["/model.tar.bz2"] = bz2.compress(plain[:90_000]) + bz2.compress(plain[90_000:])
    assert pod.fetch(f"{store.url}/model.tar.bz2", "sha256:" + "0" * 64) == 1
    assert "several streams" in pod.log.read_text()


def test_an_archive_that_grows_without_end_is_refused(store: Store, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "GROWTH_FREE", 2**20)
    store.files["/model.tgz"] = archive({"zeros": bytes(2**22)})
    assert pod.fetch(f"{store.url}/model.tgz", "sha256:" + "0" * 64) == 1
    assert pod.reason() == "ArchiveTooLarge"


def test_a_volume_without_room_for_a_file_of_an_archive_is_known_before(
    store: Store, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    store.files["/model.tgz"] = archive({"weights": bytes(2_000_000)})
    assert pod.fetch(f"{store.url}/model.tgz", "sha256:" + "0" * 64) == 1
    assert pod.log.read_text().startswith("NoSpace: weights needs 2 MB")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [("/nowhere", "NotFound"), ("gs://bucket/x", "Unsupported"), ("http://127.0.0.1:1/x", "Unreachable")],
)
def test_reasons_in_one_line(pod: Pod, uri: str, reason: str) -> None:
    assert pod.fetch(uri, "sha256:" + "0" * 64) == 1
    assert pod.reason() == reason


def test_a_volume_that_is_too_small_is_known_before_the_transfer(
    model: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    assert pod.fetch(model, folder_digest(model)) == 1
    assert pod.log.read_text().startswith("NoSpace: the files need 2 MB more")


def test_a_volume_that_fills_up_says_so(model: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.skops")

    monkeypatch.setattr(download, "write", full)
    assert pod.fetch(model, folder_digest(model)) == 1
    assert pod.reason() == "NoSpace"


def test_a_volume_that_cannot_be_written_says_so(model: Path, pod: Pod) -> None:
    pod.dest.parent.parent.mkdir()
    pod.dest.parent.write_text("a file, where the folder should be")
    assert pod.fetch(model, folder_digest(model)) == 1
    assert pod.reason() == "VolumeError"


def test_the_log_may_be_set_by_the_environment(pod: Pod, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROLLMODEL_TERMINATION_LOG", str(tmp_path / "elsewhere"))
    assert fetch_model.main(["--uri", "/nowhere", "--digest", "sha256:0", "--dest", str(pod.dest)]) == 1
    assert (tmp_path / "elsewhere").read_text() == "NotFound: /nowhere does not exist\n"


def test_without_a_log_the_reason_still_stands_in_standard_error(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.log = Path("/nowhere/termination-log")
    assert pod.fetch("/absent", "sha256:0") == 1
    assert capsys.readouterr().err == "NotFound: /absent does not exist\n"
