"""Registered models for the light server, in a real MLflow, spoken to over its REST interface: its client is slow."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.support.live.servers import light_server
from tests.support.live.servers.light_server import BEHAVIOUR, Behaviour

__all__ = ["COMMAND", "LightModel", "LightRegistry"]

SERVER = "light_server.py"
_FOLDER = "/mnt/models/model"
#: What serves a light model in its pod.
COMMAND = ["python", f"{_FOLDER}/{SERVER}", "--model", _FOLDER]

_API = "/api/2.0/mlflow"
_PROGRAM = Path(light_server.__file__).read_text()


@dataclass(frozen=True)
class LightRegistry:
    """One MLflow server."""

    url: str

    async def model(self, *behaviours: Behaviour) -> LightModel:
        """A new registered model; its version 1 behaves like the first of these, and so on."""
        model = LightModel(self, f"light-{secrets.token_hex(4)}")
        await self.call("registered-models/create", {"name": model.name})
        for behaviour in behaviours:
            await model.add(behaviour)
        return model

    async def call(self, path: str, body: dict[str, Any], method: str = "POST") -> dict[str, Any]:
        """One request to the registry."""
        question: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.request(method, f"{self.url}{_API}/{path}", **question)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def upload(self, behaviour: Behaviour) -> dict[str, str]:
        """Store a model, which brings its server, as the artifact of a new run; what a version says of its source."""
        return await self.store({BEHAVIOUR: json.dumps(asdict(behaviour)), SERVER: _PROGRAM})

    async def store(self, files: Mapping[str, str]) -> dict[str, str]:
        """Store these files as the model of a new run; what a version says of its source."""
        run = (await self.call("runs/create", {"experiment_id": "0"}))["run"]["info"]
        folder = f"{run['artifact_uri'].removeprefix('mlflow-artifacts:/')}/model"
        async with httpx.AsyncClient(timeout=60) as client:
            for name, content in files.items():
                url = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{folder}/{name}"
                answer = await client.put(url, content=content)
                assert answer.status_code == 200, answer.text
        return {"source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}


@dataclass(frozen=True)
class LightModel:
    """One registered model."""

    registry: LightRegistry
    name: str

    async def add(self, behaviour: Behaviour, tags: Mapping[str, str] = MappingProxyType({})) -> str:
        """Register one more version; its number."""
        return await self.add_stored(await self.registry.upload(behaviour), tags)

    async def add_stored(self, source: Mapping[str, str], tags: Mapping[str, str] = MappingProxyType({})) -> str:
        """Register what was stored as one more version; its number."""
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        body = {"name": self.name, **source, "tags": pairs}
        answer = await self.registry.call("model-versions/create", body)
        return str(answer["model_version"]["version"])

    async def point(self, alias: str, version: str) -> None:
        """Move an alias."""
        body = {"name": self.name, "alias": alias, "version": version}
        await self.registry.call("registered-models/alias", body)

    async def aliased(self, alias: str) -> str:
        """The version that an alias points to."""
        body = {"name": self.name, "alias": alias}
        answer = await self.registry.call("registered-models/alias", body, "GET")
        return str(answer["model_version"]["version"])

    async def verdict(self, version: str) -> str | None:
        """What the one deployment that tried this version has told about it."""
        told = [value for key, value in (await self.tags(version)).items() if key.startswith("rollmodel.dev/verdict/")]
        return told[0] if told else None

    async def tags(self, version: str) -> dict[str, str]:
        """The tags of a version."""
        answer = await self.registry.call("model-versions/get", {"name": self.name, "version": version}, "GET")
        return {tag["key"]: tag["value"] for tag in answer["model_version"].get("tags", ())}
