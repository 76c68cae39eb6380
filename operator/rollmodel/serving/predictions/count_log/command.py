"""``rollmodel count-log``: log and labels become counts, for a DriftPolicy with ``source.counts``. In a Job."""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rollmodel.errors import Invalid, NotFound, RollmodelError
from rollmodel.profile import Profile, ProfileError, read_profile
from rollmodel.serving.predictions.count_log.cloud_events import event_records
from rollmodel.serving.predictions.count_log.config_map import write_config_map
from rollmodel.serving.predictions.count_log.counting import StepCounts, seen_columns
from rollmodel.serving.predictions.count_log.counts_file import ENDING, counts_files
from rollmodel.serving.predictions.count_log.labels import Labels, read_labels
from rollmodel.serving.predictions.count_log.reading import About, LogFiles
from rollmodel.serving.predictions.records import Record
from rollmodel.serving.sources import Source
from rollmodel.serving.sources.factory import open_source
from rollmodel.serving.sources.web import HttpArchive

__all__ = ["main"]

#: Revisions of a log that are counted: the newest ones, as their rows say.
MOST_REVISIONS = 3
_MAP = "configmap/"

logger = logging.getLogger("rollmodel.count")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rollmodel count-log",
        description="Count the rows of a prediction log by step, join labels by the prediction's id, and write the"
        " counts for a DriftPolicy with `source.counts`.",
    )
    parser.add_argument("log", metavar="LOG", help="folder or s3://bucket/prefix: that of one model")
    parser.add_argument("--labels", metavar="FILE", action="append", default=[], help="CSV or Parquet, or a folder")
    parser.add_argument("--id-column", default="id", help="the prediction's id in files of labels (default: id)")
    parser.add_argument("--label-column", default="label", help="0 or 1, true or false (default: label)")
    parser.add_argument("--out", required=True, metavar="WHERE", help="configmap/NAME of this namespace, or a folder")
    parser.add_argument("--step", type=int, default=3600, help="seconds, as the policy's `stepSeconds` (default: 3600)")
    parser.add_argument("--steps", type=int, default=1500, help="at most so many, the newest (default: 1500)")
    parser.add_argument(
        "--settle", type=int, default=600, help="seconds until rows of a step are all there (default: 600)"
    )
    parser.add_argument("--format", choices=("rollmodel", "cloudevents"), default="rollmodel", help="of the log")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile.json, for CloudEvents")
    parser.add_argument("--revision", help="revision that the rows belong to, for CloudEvents")
    parser.add_argument("--now", type=float, help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Count and write: 0; 1 with one line that says why not."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        _run(arguments)
    except (RollmodelError, ProfileError, OSError) as error:
        print(f"rollmodel count-log: {error}", file=sys.stderr)  # noqa: T201  for people
        return 1
    return 0


def _run(arguments: argparse.Namespace) -> None:
    if arguments.step < 10 or arguments.steps < 1 or arguments.settle < 0:
        raise Invalid("--step must be at least 10, --steps at least 1, and --settle at least 0")
    now = arguments.now if arguments.now is not None else time.time()
    until = math.floor((now - arguments.settle) / arguments.step) * arguments.step
    since = float(until - arguments.steps * arguments.step)
    sources = [_opened(one) for one in arguments.labels]
    labels = read_labels(sources, id_column=arguments.id_column, label_column=arguments.label_column)
    files = LogFiles(_opened(arguments.log), since=since)
    profiles = dict(_profiles(arguments, files))
    model = next((about.model for about, _ in profiles.values()), "")
    counted = {
        revision: StepCounts(profile, step=arguments.step, since=since, until=until)
        for revision, (_, profile) in profiles.items()
    }
    strangers = _count(_records(arguments, files, profiles), counted, labels)
    newest = sorted((name for name in counted if counted[name].rows), key=lambda name: counted[name].ends()[0])
    kept = {name: counted[name] for name in newest[-MOST_REVISIONS:]}
    if not kept:
        raise NotFound(f"no rows of a revision with a profile in the last {arguments.steps} steps", reason="NoRows")
    written = counts_files(kept, model=model, labels=labels.tally, most_steps=arguments.steps)
    _write(arguments.out, written)
    for name, one in kept.items():
        logger.info("revision %s: %d rows, %d bytes", name, one.rows, len(written[name]))
    logger.info("labels: %s", json.dumps(labels.tally))
    logger.info(
        "not counted: %d rows of other revisions, %d lines and %d files that cannot be read",
        strangers,
        files.unreadable.lines,
        files.unreadable.files,
    )


def _opened(uri: str) -> Source:
    found = open_source(uri)
    if isinstance(found, HttpArchive):
        raise Invalid("an archive is no log: name a folder, a file or s3://bucket/prefix")
    return found


def _profiles(arguments: argparse.Namespace, files: LogFiles) -> Iterator[tuple[str, tuple[About, Profile]]]:
    if arguments.format == "cloudevents":
        if arguments.profile is None or arguments.revision is None:
            raise Invalid("CloudEvents name no profile and no revision: give --profile and --revision")
        profile = read_profile(arguments.profile.read_text(encoding="utf-8"))
        yield arguments.revision, (About("", arguments.revision, None), profile)
        return
    for about in files.abouts():
        if about.profile is None:
            logger.warning("revision %s has no profile: it is not counted", about.revision)
        else:
            yield about.revision, (about, seen_columns(read_profile(json.dumps(about.profile)), about))


def _records(
    arguments: argparse.Namespace, files: LogFiles, profiles: Mapping[str, tuple[About, Profile]]
) -> Iterator[list[Record]]:
    if arguments.format == "rollmodel":
        return files.records()
    names = [feature.name for feature in profiles[arguments.revision][1].features]
    return event_records(files, arguments.revision, names)


def _count(records: Iterator[list[Record]], counted: Mapping[str, StepCounts], labels: Labels) -> int:
    """Count them: rows of revisions that are not known."""
    strangers = 0
    for rows in records:
        by_revision: dict[str, list[Record]] = {}
        for row in rows:
            by_revision.setdefault(row.revision, []).append(row)
        for revision, own in by_revision.items():
            if revision in counted:
                counted[revision].add(own, labels)
            else:
                strangers += len(own)
    return strangers


def _write(where: str, files: Mapping[str, bytes]) -> None:
    if where.startswith(_MAP):
        write_config_map(where.removeprefix(_MAP), files)
        return
    folder = Path(where)
    folder.mkdir(parents=True, exist_ok=True)
    for revision, content in files.items():
        (folder / f"{revision}{ENDING}").write_bytes(content)
