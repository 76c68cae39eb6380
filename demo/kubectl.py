"""The few kubectl calls of the demo: what it does is what a person could type."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Kubectl", "KubectlError"]

TIMEOUT_SECONDS = 60


class KubectlError(Exception):
    """kubectl exited with an error; the text is its own."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl bound to one kubeconfig and one namespace."""

    binary: Path
    kubeconfig: Path
    namespace: str

    def run(self, *args: str, stdin: str | None = None) -> str:
        """Standard output of ``kubectl ARGS``; raises KubectlError with kubectl's own words."""
        command = [str(self.binary), "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *args]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object as a dict, None where it does not exist."""
        text = self.run("get", kind, name, "--ignore-not-found", "--output", "json")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        items: list[dict[str, Any]] = json.loads(self.run("get", kind, "--output", "json"))["items"]
        return items

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Server-side apply of whole manifests."""
        body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run("apply", "--server-side", "--field-manager", "demo", "--filename", "-", stdin=json.dumps(body))
