"""Whatever is in an archive, a CSV file or a profile: it is read, or refused in words of ours, in its folder."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rollmodel.cli.backtest.counts import fold
from rollmodel.cli.backtest.rows import read_rows
from rollmodel.errors import RollmodelError
from rollmodel.profile import ProfileError, build_profile, read_profile
from rollmodel.serving.fetch.archive import unpack
from rollmodel.serving.fetch.progress import Progress
from rollmodel.serving.sources.http import Client

from tests.support.foreign import damaged, is_short, texts
from tests.support.running.effort import effort

KINDS = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
NAMES = st.one_of(
    st.sampled_from(
        ["a", "a/b", "a/b/c", "./a", "../x", "/x", "a/../../x", "a//b", "MLmodel", "x" * 300, "n/" * 200 + "x"]
    ),
    texts.filter(lambda text: "\x00" not in text and "\ud800" not in text),
)
MEMBERS = st.lists(
    st.tuples(
        NAMES, st.sampled_from([*KINDS, tarfile.FIFOTYPE, *[tarfile.REGTYPE] * 6]), st.binary(max_size=30), NAMES
    ),
    max_size=6,
)


def archive(members: list[tuple[str, bytes, bytes, str]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogatepass") as tar:
        for name, kind, content, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, target, 0o7777
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@settings(max_examples=effort(30, 600))
@given(MEMBERS, st.booleans(), st.integers(0, 2000), st.binary(max_size=3), st.booleans())
@example([("a", tarfile.REGTYPE, b"x", ""), ("a/b", tarfile.REGTYPE, b"y", "")], False, 0, b"", False)
@example([("a/b", tarfile.REGTYPE, b"x", ""), ("a", tarfile.REGTYPE, b"y", "")], False, 0, b"", False)
@example([("x" * 300, tarfile.REGTYPE, b"x", "")], False, 0, b"", False)
@example([], True, 3, b"", True)
def test_an_archive_is_unpacked_below_its_folder_or_refused(
    members: list[tuple[str, bytes, bytes, str]], packed: bool, at: int, noise: bytes, cut: bool
) -> None:
    body = archive(members)
    body = gzip.compress(body) if packed else body
    body = body[:at] if cut else body[:at] + noise + body[at + len(noise) :]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        try:
            digests = unpack(io.BytesIO(body), work, Progress(None))
        except RollmodelError as error:
            is_short(error, 6000)
            digests = None
        files = [path for path in Path(folder).rglob("*") if not path.is_dir()]
        assert all(path.is_file() and not path.is_symlink() for path in files)
        assert all(path.is_relative_to(work / "files") for path in files)
        assert all(path.stat().st_mode & 0o6000 == 0 for path in files)
        if digests is not None:
            assert {str(path.relative_to(work / "files")) for path in files} == set(digests)


HEADER = ["rollout", "time", "arm", "pod", "total", "bad"]
CELLS = st.one_of(
    st.sampled_from(
        ["1", "0", "10", "60", "stable", "candidate", "", "nan", "inf", "-1", "1e400", "9" * 400, "2026-01-01"]
    ),
    st.sampled_from(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "0001-01-01", '"', "1,2", "0x1", "1_0"]),
    texts,
)


@settings(max_examples=effort(30, 600))
@given(
    st.lists(st.lists(CELLS, max_size=7), max_size=6), st.permutations(HEADER), st.integers(0, 6), st.binary(max_size=2)
)
@example([["a" * 200_000]], HEADER, 6, b"")
@example([["1", "x" * 5000, "stable", "p", "1", "1"]], HEADER, 6, b"")
def test_a_csv_of_counts_is_read_or_refused(
    rows: list[list[str]], header: list[str], columns: int, noise: bytes
) -> None:
    lines = [header[: max(columns, 5)], *rows]
    body = "\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass") + noise
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"
        path.write_bytes(body)
        try:
            found = fold(read_rows(path), 10.0)
        except RollmodelError as error:
            is_short(error)
        else:
            assert (found.total >= found.bad).all()


PROFILE = json.loads(build_profile({"amount": [float(n % 7) for n in range(500)]}).to_json())


@settings(max_examples=effort(30, 600))
@given(damaged(PROFILE, *PROFILE, "edges", "counts", "name"))
def test_a_profile_is_read_or_refused(body: bytes) -> None:
    try:
        found = read_profile(body.decode("utf-8", "replace"))
    except ProfileError:
        return
    assert json.loads(found.to_json()) == PROFILE


class Answer:
    """What a store of models sends."""

    status_code = 200

    def __init__(self, content: bytes) -> None:
        self.content = content


@settings(max_examples=effort(15, 200))
@given(damaged({"files": [{"path": "MLmodel", "is_dir": False}]}, "files", "path"))
@example(b'{"a":' * 5000 + b"1" + b"}" * 5000)
@example(b"[]")
def test_a_listing_is_an_object_or_refused(body: bytes) -> None:
    class Given(Client):
        def get(self, *_: Any, **__: Any) -> Any:
            return _Context(Answer(body))

    try:
        found = Given.json(Given.__new__(Given), "http://store.example", what="the list of files")
    except RollmodelError:
        return
    assert isinstance(found, dict)


class _Context:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __enter__(self) -> Answer:
        return self._answer

    def __exit__(self, *_: object) -> None:
        return None


def test_the_archive_of_these_tests_is_one() -> None:
    body = archive([("a", tarfile.REGTYPE, b"x", ""), ("b/c", tarfile.REGTYPE, b"y", "")])
    with tempfile.TemporaryDirectory() as folder:
        assert set(unpack(io.BytesIO(body), Path(folder), Progress(None))) == {"a", "b/c"}
    with pytest.raises(RollmodelError, match="no plain file"), tempfile.TemporaryDirectory() as folder:
        unpack(io.BytesIO(archive([("a", tarfile.SYMTYPE, b"", "/etc")])), Path(folder), Progress(None))
