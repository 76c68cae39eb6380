"""The cache of ``rollmodel fetch``: once from the store, then from the volume; what is wrong with it ends no fetch."""

from __future__ import annotations

import logging
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from rollmodel.errors import Unavailable
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch import cache as cache_module
from rollmodel.serving.fetch import download
from rollmodel.serving.fetch.cache import Cache
from rollmodel.serving.fetch.cache_room import KEPT_SECONDS, folder_name
from rollmodel.serving.fetch.model import fetch, main
from rollmodel.serving.sources.local import LocalFiles

FILES = {"MLmodel": b"flavors: {}\n", "data/model.skops": bytes(range(256)) * 900}
NOWHERE = "/nowhere"


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.0)
    caplog.set_level(logging.INFO, "rollmodel.fetch")
    return caplog


def written(folder: Path, **more: bytes) -> Path:
    """A model with these files beside the usual ones."""
    for path, content in {**FILES, **more}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written(tmp_path / "store" / "model")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the cache."""
    return tmp_path / "claim" / "rollmodel-models"


@pytest.fixture
def digest(model: Path) -> str:
    return folder_digest(model)


def entry(root: Path, digest: str) -> Path:
    return root / folder_name(digest)


def pod(root: Path, name: str) -> Path:
    """Where a pod wants the model."""
    return root.parents[1] / name / "models" / "model"


def keep(cache: Cache, digest: str, model: Path) -> None:
    """As after a fetch."""
    with cache.filling(digest) as mine:
        assert mine
        cache.store(digest, model)


def age(root: Path, digest: str, seconds: float) -> None:
    """It was used so long ago."""
    then = time.time() - seconds
    os.utime(root / f".{folder_name(digest)}.used", (then, then))


def test_the_second_pod_needs_no_store(model: Path, root: Path, digest: str) -> None:
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    fetch(NOWHERE, digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(pod(root, "two")) == folder_digest(entry(root, digest)) == digest
    assert not [*root.glob(".*partial*")]


def test_a_complete_pod_looks_at_no_cache(model: Path, root: Path, digest: str) -> None:
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    shutil.rmtree(root)
    fetch(NOWHERE, digest, pod(root, "one"), cache=Cache(root))
    assert not root.exists()


def test_the_command(model: Path, root: Path, digest: str) -> None:
    for name, uri in (("one", str(model)), ("two", NOWHERE)):
        arguments = ["--uri", uri, "--digest", digest, "--dest", str(pod(root, name)), "--cache", str(root.parent)]
        before = os.umask(0)
        assert main([*arguments, "--cache-max-bytes", "1000000", "--termination-log", str(root.parent / "log")]) == 0
        os.umask(before)
    assert entry(root, digest).stat().st_mode & 0o020, "others of its group make room"


@pytest.mark.parametrize("content", [b"evil", FILES["data/model.skops"][::-1]])
def test_what_somebody_wrote_into_the_cache_reaches_no_pod(
    content: bytes, model: Path, root: Path, digest: str, words: pytest.LogCaptureFixture
) -> None:
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    (entry(root, digest) / "data/model.skops").write_bytes(content)
    fetch(str(model), digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(pod(root, "two")) == digest
    assert "does not hold what it should, which is removed" in words.text
    assert folder_digest(entry(root, digest)) == digest, "and it is right again"


def test_a_link_in_the_cache_is_not_followed(model: Path, root: Path, digest: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    (entry(root, digest) / "MLmodel").unlink()
    (entry(root, digest) / "MLmodel").symlink_to(secret)
    fetch(str(model), digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(pod(root, "two")) == digest
    assert secret.read_text() == "secret"


@pytest.mark.parametrize("name", ["filling", "used"])
def test_links_and_pipes_beside_a_model_lead_nowhere(
    name: str, model: Path, root: Path, digest: str, tmp_path: Path
) -> None:
    root.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    os.utime(victim, (1, 1))
    place = root / f".{folder_name(digest)}.{name}"
    place.symlink_to(victim)
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    assert (victim.read_text(), victim.stat().st_mtime) == ("as it was", 1)
    place.unlink()
    os.mkfifo(place)
    fetch(str(model), digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(pod(root, "two")) == digest


def test_pods_that_start_at_once_ask_the_store_once(
    model: Path, root: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    listed = LocalFiles.list

    def slow(self: LocalFiles) -> object:
        if self._root == model:
            asked.append("store")
            time.sleep(0.3)  # the others are there by then, and wait
        return listed(self)

    monkeypatch.setattr(LocalFiles, "list", slow)
    with ThreadPoolExecutor(4) as pods:
        tries = [pods.submit(fetch, str(model), digest, pod(root, str(one)), cache=Cache(root)) for one in range(4)]
    assert [one.result() for one in tries] == [None] * 4
    assert asked == ["store"]
    assert {folder_digest(pod(root, str(one))) for one in range(4)} == {digest}


def test_who_waits_for_too_long_fetches_for_itself(
    model: Path, root: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "WAIT_SECONDS", 0.0)
    with Cache(root).filling(digest) as mine:
        assert mine
        fetch(str(model), digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(pod(root, "two")) == digest
    assert not entry(root, digest).exists(), "the other one stores it"


def test_a_crash_leaves_nothing_that_is_taken_for_a_model(
    model: Path, root: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "sync", kill)  # all files are there, the folder has not its name
        patch.setattr(cache_module, "shutil", SimpleNamespace(rmtree=lambda *_, **__: None))  # the dead clear no table
        with pytest.raises(Killed):
            fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    (partial,) = root.glob(".*partial*")
    assert not entry(root, digest).exists()
    fetch(str(model), digest, pod(root, "two"), cache=Cache(root))
    assert folder_digest(entry(root, digest)) == digest
    assert not partial.exists()


def test_what_a_crash_left_is_cleared_away(model: Path, root: Path, digest: str) -> None:
    left = root / f".{folder_name('sha256:' + '1' * 64)}.partial-x"
    written(left / "files")
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    assert not left.exists()
    assert entry(root, digest).exists()


@pytest.mark.parametrize("kind", ["read-only", "a file"])
def test_a_volume_that_does_not_work_is_told_and_ends_nothing(
    kind: str, model: Path, root: Path, digest: str, words: pytest.LogCaptureFixture
) -> None:
    if kind == "a file":
        root.parent.mkdir()
        root.write_text("")
    elif os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    else:
        root.mkdir(parents=True, mode=0o555)
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root))
    assert folder_digest(pod(root, "one")) == digest
    assert words.text.count("the cache is not used") == 1


def test_a_full_volume_is_told_and_ends_nothing(
    model: Path, root: Path, digest: str, words: pytest.LogCaptureFixture
) -> None:
    fetch(str(model), digest, pod(root, "one"), cache=Cache(root, max_bytes=1000))
    assert folder_digest(pod(root, "one")) == digest
    assert "the cache is not used: 0 MB are needed" in words.text
    assert not entry(root, digest).exists()


def test_a_store_that_does_not_answer_is_the_error_that_it_was(
    root: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: LocalFiles) -> object:
        raise Unavailable("503", reason="Unreachable")

    monkeypatch.setattr(LocalFiles, "list", broken)
    with pytest.raises(Unavailable, match="503"):
        fetch(str(tmp_path), digest, pod(root, "one"), cache=Cache(root))


def test_room_is_made_by_what_was_used_longest_ago(root: Path, tmp_path: Path) -> None:
    models = [written(tmp_path / f"m{number}", weights=bytes([number]) * 1000) for number in range(4)]
    digests = [folder_digest(one) for one in models]
    size = sum(path.stat().st_size for path in models[0].rglob("*") if path.is_file())
    cache = Cache(root, max_bytes=3 * size)
    for number in range(3):
        keep(cache, digests[number], models[number])
        age(root, digests[number], KEPT_SECONDS * (9 - number))
    fetch(NOWHERE, digests[0], pod(root, "one"), cache=cache)  # used again
    keep(cache, digests[3], models[3])
    assert [entry(root, one).exists() for one in digests] == [True, False, True, True]
    assert not [*root.glob(f".{folder_name(digests[1])}.*")]


def test_what_was_used_within_the_hour_is_not_pushed_out(
    model: Path, root: Path, digest: str, tmp_path: Path, words: pytest.LogCaptureFixture
) -> None:
    other = written(tmp_path / "other", more=b"x")
    keep(Cache(root), digest, model)
    keep(Cache(root, max_bytes=300_000), folder_digest(other), other)
    assert [one.name for one in root.iterdir() if one.is_dir()] == [folder_name(digest)]
    assert "used within the last hour" in words.text


def test_what_nobody_uses_for_long_goes(model: Path, root: Path, digest: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other", more=b"x")
    keep(Cache(root), digest, model)
    age(root, digest, 86400 * 3)
    keep(Cache(root, unused_days=4), folder_digest(other), other)
    assert entry(root, digest).exists()
    third = written(tmp_path / "third", more=b"y")
    keep(Cache(root, unused_days=2), folder_digest(third), third)
    assert not entry(root, digest).exists()


def test_room_is_made_where_the_volume_itself_is_full(
    model: Path, root: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = written(tmp_path / "other", more=b"x")
    keep(Cache(root), digest, model)
    age(root, digest, KEPT_SECONDS * 2)
    usage = shutil.disk_usage(tmp_path)
    room = {True: 0, False: usage.free}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=room[entry(root, digest).exists()]))
    keep(Cache(root), folder_digest(other), other)
    assert not entry(root, digest).exists()
    assert entry(root, folder_digest(other)).exists()


def test_what_is_being_filled_is_not_removed(root: Path, digest: str, model: Path, tmp_path: Path) -> None:
    partial = root / f".{folder_name(digest)}.partial-x"
    with Cache(root).filling(digest):
        written(partial)
        other = written(tmp_path / "other", more=b"x")
        keep(Cache(root), folder_digest(other), other)
        assert partial.exists()


def test_a_copy_that_was_led_into_the_pod_is_noticed(
    model: Path, root: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a hostile volume makes of the copy into it: what serves is what was verified."""
    dest = pod(root, "one")

    def overwrites(_: Cache, __: str, folder: Path) -> None:
        (folder / "MLmodel").write_text("evil")

    monkeypatch.setattr(Cache, "store", overwrites)
    fetch(str(model), digest, dest, cache=Cache(root))
    assert folder_digest(dest) == digest
