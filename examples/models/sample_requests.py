"""Request bodies for the tumour screening model: real biopsies that no version was trained with.

python -m examples.models.sample_requests | head -1 | curl -H 'Content-Type: application/json' -d @- URL/invocations
"""

from __future__ import annotations

import json
import signal

from examples.models.train import split

__all__ = ["request_bodies"]


def request_bodies(rows: int = 4) -> list[str]:
    """All held-out biopsies as bodies for ``/invocations``, ``rows`` to a request, in the order of the data set."""
    _, held_out, _, _ = split()
    ordered = held_out.sort_index()
    batches = (ordered[begin : begin + rows] for begin in range(0, len(ordered), rows))
    return [
        json.dumps({"dataframe_split": {"columns": list(batch.columns), "data": batch.to_numpy().tolist()}})
        for batch in batches
    ]


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    print(*request_bodies(), sep="\n")
