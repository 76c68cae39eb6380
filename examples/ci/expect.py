"""``python expect.py VERDICTS EXPECTED``: the policy still decides on past rollouts as was agreed.

VERDICTS is what `rollmodel backtest --output json` printed. EXPECTED, kept in Git, is a JSON object of rollout and
verdict, optionally with the longest time: ``{"v8-twice-as-bad": {"verdict": "RollBack", "withinSeconds": 600}}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def differences(verdicts: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """What is otherwise than expected, also a rollout that only one of the two knows."""
    for name in sorted(verdicts.keys() ^ expected.keys()):
        yield f"{name}: {'nobody said what to expect' if name in verdicts else 'was not replayed'}"
    for name in sorted(verdicts.keys() & expected.keys()):
        found, wanted = verdicts[name], expected[name]
        if found["verdict"] != wanted["verdict"]:
            yield f"{name}: {found['verdict']} instead of {wanted['verdict']}: {found['reason']}"
        elif found["seconds"] > wanted.get("withinSeconds", found["seconds"]):
            most = wanted["withinSeconds"]
            yield f"{name}: {found['verdict']} after {found['seconds']:g} s, which is more than {most}"


def main(arguments: Sequence[str]) -> int:
    """1 if anything is different."""
    verdicts, expected = (Path(path).read_text(encoding="utf-8") for path in arguments)
    replayed = {one["rollout"]: one for one in map(json.loads, verdicts.splitlines())}
    found = list(differences(replayed, json.loads(expected)))
    print("\n".join(found) or f"{len(replayed)} rollouts, all as expected")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
