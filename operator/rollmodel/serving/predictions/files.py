"""The files of the log: ``<to>/<model>/<revision>/date=2026-01-31/hour=07/<pod>-<process>-<number>.jsonl``.

A file holds rows that were written within one hour. It ends in ``.part`` until it is complete; files for S3 lie in a
folder of the pod until then, and go there as a whole.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rollmodel.errors import RollmodelError
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.encoders import ENDINGS, Encoder, open_encoder

__all__ = ["Bucket", "NotTakenError", "OpenFile", "Shelf", "open_shelf"]

#: Complete files that wait for S3, at most; the oldest is lost then.
_WAITING_FILES = 4
#: Characters of a code in an answer of S3 that may be a word of S3's, and no text of somebody's.
_LONGEST_CODE = 60


class NotTakenError(OSError):
    """S3 does not take a file. The message is a word for why, and repeats nothing of the file."""


class OpenFile:
    """The file that is written now. ``begun`` in unix seconds; ``rows`` were added to it."""

    def __init__(self, config: LogConfig, final: Path, begun: float) -> None:
        self.final = final
        self.begun = begun
        self.rows = 0
        self._config = config
        self._part = final.with_name(f"{final.name}.part")
        self._part.parent.mkdir(parents=True, exist_ok=True)
        self.encoder: Encoder = open_encoder(config.format, self._part)

    def is_due(self, now: float) -> bool:
        """Whether it is time for the next one: by size, by age, or since another hour began."""
        old = now - self.begun >= self._config.max_file_seconds
        return old or self.encoder.size >= self._config.max_file_bytes or _hour(now) != _hour(self.begun)

    def close(self) -> int:
        """Complete it: rows that were written only now."""
        written = self.encoder.close()
        if self.rows:
            self._part.replace(self.final)
        else:
            self._part.unlink(missing_ok=True)
        return written

    def give_up(self) -> int:
        """Close it without the rows that still wait, which are lost: how many. What is there stays, if it can."""
        lost = self.encoder.abandon()
        self.rows -= lost
        with contextlib.suppress(OSError, ValueError):
            self.close()
        if self._config.format == "Parquet":  # lines can be read as far as they go
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)
        return lost


class Shelf:
    """A folder of complete files, of which this process keeps at most ``max_total_bytes``."""

    def __init__(self, config: LogConfig, root: Path) -> None:
        self._config = config
        self._root = root
        self._number = 0
        self._kept: deque[tuple[Path, int, int]] = deque()

    def write_about(self, text: str) -> None:
        """Say beside the files what they are; written whole, or not at all."""
        folder = self._root / self._config.model / self._config.revision
        folder.mkdir(parents=True, exist_ok=True)
        path, own = folder / "about.json", folder / f".about-{_unique()}"
        own.write_text(text, encoding="utf-8")
        own.replace(path)

    def begin(self, now: float) -> OpenFile:
        """The next file. Raises OSError."""
        self._number += 1
        moment = datetime.fromtimestamp(now, UTC)
        folder = self._root / self._config.model / self._config.revision / f"date={moment:%Y-%m-%d}/hour={moment:%H}"
        name = f"{_unique()}-{moment:%M%S}-{self._number}{ENDINGS[self._config.format]}"
        return OpenFile(self._config, folder / name, now)

    def done(self, file: OpenFile) -> int:
        """A file is complete: rows of old ones that were deleted for it."""
        self._kept.append((file.final, file.encoder.size, file.rows))
        deleted, most = 0, self._config.max_total_bytes
        while most and len(self._kept) > 1 and sum(size for _, size, _ in self._kept) > most:
            path, _, rows = self._kept.popleft()
            with contextlib.suppress(OSError):
                path.unlink()
            deleted += rows
        return deleted

    def tidy(self) -> None:
        """Nothing waits here."""


class Bucket(Shelf):
    """A folder from which complete files go to S3. What S3 does not take waits, and then is lost."""

    def __init__(self, config: LogConfig, spool: Path, client: Callable[[], Any]) -> None:
        super().__init__(config, spool)
        parts = urlsplit(config.to)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._spool = spool
        self._make_client = client
        self._client: Any = None
        self._about: Path | None = None
        self._waiting: deque[tuple[Path, int]] = deque()

    def write_about(self, text: str) -> None:
        """To be sent before all files."""
        super().write_about(text)
        self._about = self._spool / self._config.model / self._config.revision / "about.json"

    def done(self, file: OpenFile) -> int:
        """A file is complete: rows of those that waited for too long."""
        self._waiting.append((file.final, file.rows))
        lost = 0
        while len(self._waiting) > _WAITING_FILES:
            path, rows = self._waiting.popleft()
            path.unlink(missing_ok=True)
            lost += rows
        return lost

    def tidy(self) -> None:
        """Send what waits. Raises OSError where S3 does not take it."""
        if self._about is not None:
            self._send(self._about)
            self._about = None
        while self._waiting:
            self._send(self._waiting[0][0])
            self._waiting.popleft()

    def _send(self, path: Path) -> None:
        key = "/".join(filter(None, (self._prefix, path.relative_to(self._spool).as_posix())))
        try:
            if self._client is None:
                self._client = self._make_client()
            with path.open("rb") as file:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file)
        except OSError:
            raise
        except Exception as error:  # boto3 has a class of its own for each trouble
            raise NotTakenError(f"S3: {_reason(error)}") from error
        path.unlink()


def open_shelf(config: LogConfig) -> Shelf:
    """Where the files go."""
    if not config.in_bucket:
        return Shelf(config, Path(config.to))
    from rollmodel.serving.sources.s3 import s3_client  # noqa: PLC0415  only where it is used

    return Bucket(config, Path(tempfile.mkdtemp(prefix="rollmodel-predictions-")), s3_client)


def _reason(error: Exception) -> str:
    """One word: our own reason, the code of a refusal, or the name of the trouble."""
    if isinstance(error, RollmodelError):
        return error.reason
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    return code if code.isalnum() and len(code) <= _LONGEST_CODE else type(error).__name__


def _unique() -> str:
    """The pod, which is the host of its containers, and the process."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _hour(moment: float) -> int:
    return int(moment // 3600)
