"""Downloads: resumed where they broke, stopped together, never trusted by size alone."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unavailable
from rollmodel.serving.fetch.download import TRIES, Download, retry
from rollmodel.serving.sources import Body, RemoteFile


class Memory:
    """A source in memory. ``cuts``: after how many bytes the next answers break; ``resumes``: honours offsets."""

    resumable_unpinned = False

    def __init__(self, files: dict[str, bytes], *, cuts: Sequence[int] = (), resumes: bool = True) -> None:
        self.files = files
        self.cuts = list(cuts)
        self.resumes = resumes
        self.sent: Counter[str] = Counter()
        self.errors: dict[str, RollmodelError] = {}
        self.entered = threading.Event()
        self.hold = threading.Event()
        self.slow: str | None = None

    def list(self) -> Sequence[RemoteFile]:
        return [RemoteFile(path, len(content)) for path, content in self.files.items()]

    @contextmanager
    def open(self, path: str, offset: int) -> Iterator[Body]:
        if path in self.errors:
            self.entered.wait()
            raise self.errors[path]
        begin = offset if self.resumes else 0
        yield Body(begin, self._chunks(path, begin))

    def _chunks(self, path: str, begin: int) -> Iterator[bytes]:
        cut = self.cuts.pop(0) if self.cuts else None
        for position in range(begin, len(self.files[path])):
            if position - begin == cut:
                raise Unavailable("the wire broke")
            self.sent[path] += 1
            yield self.files[path][position : position + 1]
            if path == self.slow:
                self.entered.set()
                self.hold.wait()


def download(source: Memory, work: Path, threads: int = 2) -> dict[str, str]:
    return Download(source, source.list(), work, threads=threads, pause=lambda _: None).run()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=20), cuts=st.lists(st.integers(0, 20), max_size=TRIES - 1), resumes=st.booleans())
def test_a_broken_transfer_ends_whole(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int], resumes: bool
) -> None:
    work = tmp_path_factory.mktemp("work")
    source = Memory({"a/b": content}, cuts=cuts, resumes=resumes)
    assert download(source, work) == {"a/b": sha256(content)}
    assert (work / "files/a/b").read_bytes() == content
    if resumes:
        assert source.sent["a/b"] == len(content), "no byte is sent twice"


def test_a_store_that_stays_away_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        download(Memory({"a": b"123"}, cuts=[0] * TRIES), tmp_path)


def test_pauses_grow(tmp_path: Path) -> None:
    pauses: list[float] = []

    def away() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        retry(away, pause=pauses.append)
    assert pauses == [1, 2, 4, 8]


def test_a_second_process_goes_on_where_the_first_was_killed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "parts").mkdir()
    (tmp_path / "files/done").write_bytes(b"whole")
    (tmp_path / "parts/half").write_bytes(b"123")
    source = Memory({"done": b"whole", "half": b"12345"})
    assert download(source, tmp_path) == {"done": sha256(b"whole"), "half": sha256(b"12345")}
    assert source.sent == {"half": 2}


def test_a_part_that_is_longer_than_the_file_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/a").write_bytes(b"too long")
    assert download(Memory({"a": b"new"}), tmp_path) == {"a": sha256(b"new")}


def test_bytes_that_changed_meanwhile_are_seen_in_the_digest(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/a").write_bytes(b"old")
    assert download(Memory({"a": b"newer"}), tmp_path) == {"a": sha256(b"older")}


def test_the_first_error_stops_the_others_and_is_the_one_that_is_raised(tmp_path: Path) -> None:
    source = Memory({"large": b"x" * 1000, "secret": b"y", **{f"later-{n}": b"z" for n in range(50)}})
    source.slow = "large"
    source.errors["secret"] = Forbidden("not yours")
    running = Download(source, source.list(), tmp_path, threads=2)
    source.hold = running._stop
    with pytest.raises(Forbidden, match="not yours"):
        running.run()
    assert not (tmp_path / "files/secret").exists()
    assert source.sent == {"large": 2}, "one byte before the error, one on its way"


def test_a_file_listed_twice_is_refused(tmp_path: Path) -> None:
    files = [RemoteFile("a", 1), RemoteFile("a", 1)]
    with pytest.raises(Invalid, match="twice"):
        Download(Memory({"a": b"1"}), files, tmp_path)
