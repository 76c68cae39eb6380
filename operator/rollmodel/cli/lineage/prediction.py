"""From a prediction's id to the version that made it, through the log that the model server wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rollmodel.cli.lineage.chain import Chain, Link, matching
from rollmodel.errors import Invalid, NotFound

__all__ = ["of_prediction"]


def of_prediction(found: Sequence[Chain], name: str, log: str) -> list[Chain]:
    """The chain of the revision that made it, with the prediction as its last link. Raises NotFound, Invalid."""
    from rollmodel.serving.predictions.count_log.reading import LogFiles  # noqa: PLC0415  only where it is asked for
    from rollmodel.serving.sources.factory import open_source  # noqa: PLC0415
    from rollmodel.serving.sources.web import HttpArchive  # noqa: PLC0415

    source = open_source(log)
    if isinstance(source, HttpArchive):
        raise Invalid("--log is a folder or s3://bucket/prefix")
    record = LogFiles(source).find(name)
    if record is None:
        raise NotFound(f"the log has no prediction {name!r}: it may not have been sampled, or not be written yet")
    moment = datetime.fromtimestamp(record.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    score = "" if record.score is None else f"score {record.score}"
    link = Link("prediction", record.id, time=moment, outcome=score, why=f"revision {record.revision}", by="the model")
    known = [replace(one, links=(*one.links, link)) for one in matching(found, record.revision)]
    nothing = Chain("", "", (link,), frozenset({record.revision}), now="no object here knows this revision any more")
    return known or [nothing]
