"""Commands for people: each module reads its arguments, works, and prints. Found by name, imported only when used."""

from __future__ import annotations

__all__ = ["COMMANDS", "VERBS"]

#: What a person may ask of a rollout.
VERBS = {
    "promote": "give the candidate all traffic without waiting for evidence",
    "abort": "take the candidate back",
    "pause": "keep the candidate's weight as it is",
    "resume": "go on after a pause",
    "retry": "try a revision again that was taken back",
    "undo": "go back to the revision that served before, without judging it anew",
}

#: Subcommand -> ("module:function" that takes the arguments and returns the exit code, what it does).
COMMANDS = {
    "get": ("rollmodel.cli.get:main", "list what is trained and served"),
    "describe": ("rollmodel.cli.describe:main", "show one object with all that its status says"),
    "dashboard": ("rollmodel.cli.dashboard.command:main", "show all of it live on a local web page, read-only"),
    "watch": ("rollmodel.cli.watch:main", "follow one object until its fate is known"),
    "wait": ("rollmodel.cli.rollout.wait:main", "wait until a version has won, or lost, or serves; for pipelines"),
    "logs": ("rollmodel.cli.logs:main", "print what a training run writes"),
    "verify-training": ("rollmodel.cli.training.verify:main", "train again with everything pinned, and compare"),
    "lineage": ("rollmodel.cli.lineage.command:main", "show where a version came from, and what was decided about it"),
    "history": ("rollmodel.cli.rollout.history:main", "list what was decided about versions, when, why and by whom"),
    "explain": ("rollmodel.cli.rollout.explain:main", "show the evidence for and against a candidate"),
    "doctor": ("rollmodel.cli.doctor.command:main", "look whether all is there that a rollout needs"),
    "lint": ("rollmodel.cli.lint.command:main", "say what is wrong with manifests, without a cluster"),
    "plan": ("rollmodel.cli.plan.command:main", "say what manifests would change, in a cluster or against files"),
    "backtest": ("rollmodel.cli.backtest.command:main", "say what a policy would have decided on past rollouts"),
    **{verb: (f"rollmodel.cli.rollout.commands:{verb}", text) for verb, text in VERBS.items()},
    "import": ("rollmodel.cli.translate.command:main", "write ModelDeployments from objects of other tools"),
    "profile": ("rollmodel.cli.profile:main", "count what a model was trained on, for a DriftPolicy"),
    "completion": ("rollmodel.cli.completion.command:main", "print a script that completes all this in a shell"),
    "digest": ("rollmodel.serving.digest:main", "print the digest of a model's files"),
}
