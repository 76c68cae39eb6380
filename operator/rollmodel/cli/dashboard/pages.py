"""The pages as text: pure, from what is known now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.common.printing.html import TEMPLATES
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.overview import PLURALS, sections
from rollmodel.cli.dashboard.related import related
from rollmodel.cli.dashboard.sheets import model, policy, training
from rollmodel.cli.dashboard.words import state
from rollmodel.errors import Invalid

__all__ = ["Pages", "script", "style"]

#: What a level is called where objects are counted.
WORDS = {"bad": "action needed", "look": "to look at", "busy": "in progress", "new": "new", "good": "fine"}
_SOON = (
    "Charts begin with the second look since this page was opened; with `--prometheus URL` they show the whole rollout."
)


@dataclass(frozen=True, slots=True)
class Pages:
    """``base``: the path that everything is under, with the token. ``namespace``: None for all of them."""

    base: str
    namespace: str | None
    mlflow_url: str | None = None

    def overview(self, live: Live, now: datetime) -> str:
        """The page of all objects, what needs somebody first."""
        return self._render(
            "overview", now, (), sections=sections(live, now), several=self.namespace is None, words=WORDS
        )

    def of_object(
        self, manifest: Mapping[str, Any], live: Live, moments: Sequence[Moment], now: datetime, *, problem: str = ""
    ) -> str:
        """One object. ``moments``: of its rollout; ``problem``: why they may not be all."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        problems = [text for text in (problem, live.problems.get(kind, "")) if text]
        try:
            level, word, message = state(manifest)
            parts = self._parts(manifest, moments, now)
        except Invalid as error:
            level, word, message, parts = "bad", "Unreadable", str(error), dict[str, Any]()
        defaults: dict[str, Any] = {"rollout": None, "hint": "", "facts": (), "blocks": (), "commands": ()}
        return self._render(
            "object",
            now,
            problems,
            kind=kind,
            plural=PLURALS[kind],
            namespace=manifest["metadata"]["namespace"],
            name=name,
            level=level,
            state=word,
            message=message,
            related=related(manifest, live),
            **{**defaults, **parts},
        )

    def absent(self, kind: str, namespace: str, name: str, now: datetime) -> str:
        """No such object, or it is gone."""
        return self._render(
            "absent",
            now,
            (),
            name=name,
            title=f"No {kind} {name} in {namespace}",
            text="It may have been deleted. This page shows it as soon as it is there.",
        )

    def _parts(self, manifest: Mapping[str, Any], moments: Sequence[Moment], now: datetime) -> dict[str, Any]:
        match manifest["kind"]:
            case "TrainingJob":
                return {
                    "facts": training.overview(manifest, now, self.mlflow_url),
                    "blocks": training.blocks(manifest, now),
                    "commands": training.commands(manifest),
                }
            case "DriftPolicy":
                return {
                    "facts": policy.overview(manifest, now),
                    "blocks": policy.blocks(manifest, now),
                    "commands": policy.commands(manifest),
                }
            case _:
                rollout = model.drawn(manifest, moments, now)
                judged = any(metric.report is not None for metric in rollout.report.metrics)
                return {
                    "rollout": rollout,
                    "hint": _SOON if judged and len(moments) < 2 else "",
                    "facts": model.overview(manifest),
                    "blocks": model.blocks(manifest, now),
                    "commands": model.commands(manifest),
                }

    def _render(self, template: str, now: datetime, problems: Sequence[str], **parts: Any) -> str:
        return TEMPLATES.get_template(f"dashboard/{template}.html.j2").render(
            base=self.base,
            place=f"namespace {self.namespace}" if self.namespace else "all namespaces",
            problems=problems,
            now=now.strftime("%Y-%m-%d %H:%M:%S UTC"),
            **parts,
        )


def style() -> str:
    """The style sheet of all pages."""
    return TEMPLATES.get_template("dashboard/style.css").render()


def script() -> str:
    """What keeps pages current."""
    return files("rollmodel.cli.dashboard").joinpath("page.js").read_text(encoding="utf-8")
