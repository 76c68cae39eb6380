"""A pod that fetches an input, for the tests of ``rollmodel input``."""

import json
from pathlib import Path
from typing import Any

from rollmodel.serving.fetch import input as command

WRONG = "sha256:" + "0" * 64


class Pod:
    """Where the input arrives, and what the operator would read of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.dest = folder / "inputs/train"
        self.log = folder / "termination-log"

    def bring(self, uri: object, *options: str) -> int:
        arguments = ["--name", "train", "--uri", str(uri), "--dest", str(self.dest), *options]
        return command.main([*arguments, "--termination-log", str(self.log)])

    def hash_in_place(self, uri: object, *options: str) -> int:
        arguments = ["--name", "train", "--uri", str(uri), *options]
        return command.main([*arguments, "--termination-log", str(self.log)])

    def report(self) -> dict[str, Any]:
        text = self.log.read_text()
        assert (text.count("\n"), text[-1]) == (1, "\n")
        assert len(text.encode()) <= 4096
        found: dict[str, Any] = json.loads(text)
        return found

    def reason(self) -> str:
        return self.log.read_text().partition(":")[0]


def report(uri: object, digest: str, version: str | None = None) -> dict[str, Any]:
    return {"name": "train", "uri": str(uri), "version": version, "digest": digest}
