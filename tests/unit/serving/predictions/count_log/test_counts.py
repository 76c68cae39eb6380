"""A log and labels become counts: the same as the server shows; labels that cannot be trusted move nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rollmodel.errors import Invalid, NotFound
from rollmodel.profile import FILE_NAME
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import signals_of
from rollmodel.serving.predictions.count_log import counts_file
from rollmodel.serving.predictions.count_log.command import main
from rollmodel.serving.predictions.count_log.labels import Labels, read_labels
from rollmodel.serving.predictions.count_log.reading import LogFiles
from rollmodel.serving.sources import Body, RemoteFile
from rollmodel.serving.sources.local import LocalFiles

from tests.unit.serving.predictions.conftest import NOON, Asked, Clinic, Logged


def requests(clinic: Clinic, seed: int = 1) -> Asked:
    """Three hours of requests of several sizes, with gaps, new categories and infinite values."""
    rng, asked = np.random.default_rng(seed), []
    for index in range(60):
        table = clinic.table.sample(int(rng.integers(1, 12)), random_state=index).reset_index(drop=True)
        if index % 7 == 0:
            table.loc[0, "mean_radius"] = np.nan
            table.loc[0, "site"] = None if index % 2 else "west"
        answer = clinic.scores(table)
        if index % 11 == 0:
            table.loc[0, "mean_area"] = np.inf
        asked.append((NOON - 10_000 + index * 165.0, f"p{index}", table, answer))
    return asked


def counted(folder: Path, *more: str, now: float = NOON + 700, revision: str = "r1") -> dict[str, Any]:
    out = folder.parent / "out"
    assert main([str(folder), "--out", str(out), "--now", str(now), *more]) == 0
    found: dict[str, Any] = json.loads(gzip.decompress((out / f"{revision}.json.gz").read_bytes()))
    return found


def by_labels(series: Sequence[Any]) -> dict[tuple[tuple[str, str], ...], Any]:
    return {tuple(sorted(labels.items())): values for labels, values in series}


@pytest.mark.parametrize("kind", ["JSONLines", "Parquet"])
def test_the_log_counts_what_the_server_counts(clinic: Clinic, logged: Logged, kind: str) -> None:
    asked = requests(clinic)
    found = counted(logged(asked, format=kind))
    assert found["ends"] == [NOON - 7200, NOON - 3600, NOON]
    signals = signals_of(clinic.profile)[0]
    for index, end in enumerate(found["ends"]):
        recorder = Recorder(signals)
        for moment, _, table, answer in asked:
            if end - 3600 < moment <= end:
                recorder.after(recorder.before(table), answer)
        recorder.wait()
        shown = {
            tuple(sorted(sample.labels.items())): sample.value
            for family in DriftMetrics(clinic.profile, signals, recorder).collect()
            for sample in family.samples
            if sample.name.startswith("rollmodel_signal_") and sample.labels
        }
        assert {labels: values[index] for labels, values in by_labels(found["counts"]).items()} == shown
        assert recorder.counts().sum() > 0


def test_the_reference_is_the_profile_as_the_server_shows_it(clinic: Clinic, logged: Logged) -> None:
    found = by_labels(counted(logged(requests(clinic)))["reference"])
    assert found[("digest", clinic.profile.digest), ("format", "rollmodel-profile/1"), ("what", "info")] == 1
    assert found[("group", "all"), ("signal", "prediction"), ("what", "rows")] == clinic.profile.rows
    assert {dict(labels)["what"] for labels in found} == {"info", "rows", "importance", "positives", "threshold"}


def test_columns_that_are_left_out_are_not_missing(clinic: Clinic, logged: Logged) -> None:
    found = counted(logged(requests(clinic), exclude=("site", "mean_area")))
    signals = {labels["signal"] for labels, _ in found["counts"]}
    assert "feature:mean_radius" in signals
    assert not {"feature:site", "feature:mean_area"} & signals


def labels_of(asked: Asked, clinic: Clinic) -> list[tuple[str, int]]:
    """A label for each row: here, whether its score is above one half, so that all answers are right."""
    found = []
    for _, name, table, answer in asked:
        ids = [name] if len(table) == 1 else [f"{name}:{row}" for row in range(len(table))]
        found += [(one, int(score > 0.5)) for one, score in zip(ids, answer[:, 1], strict=True)]
    return found


def write(path: Path, rows: Sequence[tuple[str, Any]]) -> Path:
    path.write_text("id,label\n" + "".join(f"{name},{value}\n" for name, value in rows), encoding="utf-8")
    return path


def outcomes(found: dict[str, Any]) -> dict[str, int]:
    total = {"positive": 0, "negative": 0, "unlabelled": 0}
    for labels, values in found["outcomes"]:
        total[labels["outcome"]] += sum(values)
    return total


def test_labels_find_their_predictions(clinic: Clinic, logged: Logged, tmp_path: Path) -> None:
    asked = requests(clinic)
    truth = labels_of(asked, clinic)
    folder = logged(asked)
    half = write(tmp_path / "labels.csv", truth[: len(truth) // 2])
    some = counted(folder, "--labels", str(half))
    pd.DataFrame(truth[len(truth) // 2 :], columns=["id", "label"]).to_parquet(tmp_path / "more.parquet")
    everything = counted(folder, "--labels", str(half), "--labels", str(tmp_path / "more.parquet"))
    inside = sum(len(table) for moment, _, table, _ in asked if moment <= NOON)
    assert outcomes(everything)["positive"] == sum(label for _, label in truth[:inside])
    assert outcomes(everything)["unlabelled"] == 0
    assert sum(outcomes(some).values()) == inside
    assert outcomes(some)["unlabelled"] == inside - len(truth) // 2
    assert some["labels"]["used"] == len(truth) // 2


def test_labels_that_cannot_be_trusted_move_nothing(clinic: Clinic, logged: Logged, tmp_path: Path) -> None:
    asked = [*requests(clinic)[:20], (NOON - 60.0, "p3", clinic.table.head(1), [0.9])]  # an id twice
    folder, truth = logged(asked), labels_of(asked[:20], clinic)
    clean = counted(folder, "--labels", str(write(tmp_path / "clean.csv", truth)))
    wrong = [(f"stranger-{index}", 1) for index in range(500)]
    dirty = [*truth, *truth[:50], *wrong, ("p1:0", "maybe"), ("", 1)]
    found = counted(folder, "--labels", str(write(tmp_path / "dirty.csv", dirty)))
    assert by_labels(found["outcomes"]) == by_labels(clean["outcomes"])
    assert found["labels"]["unknown"] == 500
    assert found["labels"]["duplicate"] == 50
    assert found["labels"]["invalid"] == 2
    flipped = [*truth, (truth[0][0], 1 - truth[0][1])]
    found = counted(folder, "--labels", str(write(tmp_path / "flipped.csv", flipped)))
    assert found["labels"]["contradictory"] == 1
    assert outcomes(found)["unlabelled"] == outcomes(clean)["unlabelled"] + 1


def test_a_label_is_used_once() -> None:
    labels = Labels()
    for value in ("1", "1", "0", "1"):
        labels.add("contradictory", value)
    labels.add("a", "TRUE")
    assert [labels.of("a"), labels.of("a"), labels.of("contradictory")] == [True, None, None]
    assert labels.tally == {
        "used": 1, "duplicate": 3, "contradictory": 1, "unknown": 0, "invalid": 0, "repeated": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"prediction,label\na,1\n", "no column 'id'; it has prediction, label"),
        ("x.csv", b"\xff\xfe", "not CSV"),
        ("x.parquet", b"no parquet", "not Parquet"),
        ("x.xls", b"", r".csv or .parquet"),
    ],
)
def test_files_that_are_no_labels(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match=message):
        read_labels([LocalFiles(tmp_path / name)])


def test_lines_that_cannot_be_read_are_counted(
    clinic: Clinic, logged: Logged, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = logged(requests(clinic))
    whole = counted(folder)
    [*_, path] = folder.rglob("*.jsonl")
    broken = path.with_name("broken.jsonl.part")
    broken.write_bytes(b'{"id": 1\n[]\n{"id": "a", "time": "soon", "revision": "r1", "score": 1, "features": {}}\n')
    path.with_name("broken.parquet").write_bytes(b"PAR1")
    again = counted(folder)
    assert again["counts"] == whole["counts"]
    assert "3 lines and 1 files that cannot be read" in caplog.text


class Going:
    """A log whose files go while it is read: one is renamed, which a folder says its way, and one expires in S3."""

    resumable_unpinned = False

    def __init__(self, folder: Path) -> None:
        self._files = LocalFiles(folder)

    def list(self) -> Sequence[RemoteFile]:
        return [*self._files.list(), RemoteFile("a.jsonl", 1), RemoteFile("b.jsonl", 1)]

    def open(self, path: str, offset: int) -> AbstractContextManager[Body]:
        if path == "b.jsonl":
            raise NotFound("s3://logs/all does not exist (NoSuchKey)")
        return self._files.open(path, offset)


def test_files_that_go_while_they_are_read_are_counted(clinic: Clinic, logged: Logged) -> None:
    asked = requests(clinic)
    folder, name = logged(asked), asked[-1][1]
    whole = [row for rows in LogFiles(LocalFiles(folder)).records() for row in rows]
    files = LogFiles(Going(folder))
    assert [row for rows in files.records() for row in rows] == whole
    assert len(whole) == sum(len(table) for _, _, table, _ in asked)
    assert files.unreadable.files == 2
    found = LogFiles(Going(folder)).find(name)
    assert found is not None
    assert found.id.partition(":")[0] == name
    events = LogFiles(Going(folder))
    assert len(list(events.lines())) == len(whole)
    assert events.unreadable.files == 2


def test_the_oldest_steps_go_first(clinic: Clinic, logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = logged(requests(clinic))
    assert len(counted(folder, "--step", "60")["ends"]) > 100
    monkeypatch.setattr(counts_file, "LARGEST_BYTES", 3_000)
    found = counted(folder, "--step", "60")
    assert 1 < len(found["ends"]) < 100
    assert found["ends"][-1] == NOON + 60 * 1  # 100 s before now, as --settle says
    assert len((folder.parent / "out" / "r1.json.gz").read_bytes()) <= 3_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "1"], "--step must be at least 10"),
        (["--out", "configmap/counts"], "for pods with a service account"),
        (["--format", "cloudevents"], "give --profile and --revision"),
        (["--now", "0"], "no rows of a revision"),
        (["--labels", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_cannot_be_counted_is_told(
    clinic: Clinic, logged: Logged, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    folder = logged(requests(clinic)[:2])
    assert main([str(folder), "--out", str(folder.parent / "out"), "--now", str(NOON), *arguments]) == 1
    assert message in capsys.readouterr().err


def event(kind: str, name: str, data: Any, moment: str = "2026-01-31T11:30:00Z") -> str:
    kind = f"org.kubeflow.serving.inference.{kind}"
    return json.dumps({"specversion": "1.0", "type": kind, "id": name, "time": moment, "data": data})


def test_kserves_events_count_as_ours(clinic: Clinic, logged: Logged, tmp_path: Path) -> None:
    table = clinic.table.head(40)
    answer = clinic.scores(table)[:, 1].tolist()
    ours = counted(logged([(NOON - 1800.0, "e1", table, answer)]))
    rows = table.to_numpy().tolist()
    names = list(table.columns)
    one = {"inputs": [{"name": n, "shape": [20, 1], "datatype": "FP64", "data": [r[i] for r in rows[:20]]}
                      for i, n in enumerate(names)]}  # fmt: skip
    lines = [
        event("request", "e1", one),
        event("request", "e2", {"instances": rows[20:]}),
        "not JSON",
        event("response", "e2", {"predictions": answer[20:]}),
        event("response", "e1", {"outputs": [{"name": "p", "shape": [20], "datatype": "FP64", "data": answer[:20]}]}),
        event("response", "e3", {"predictions": []}),
    ]
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / FILE_NAME).write_text(clinic.profile.to_json(), encoding="utf-8")
    options = ("--format", "cloudevents", "--profile", str(tmp_path / FILE_NAME), "--revision", "r9")
    theirs = counted(tmp_path / "events", *options, revision="r9")
    assert theirs["counts"] == ours["counts"]
