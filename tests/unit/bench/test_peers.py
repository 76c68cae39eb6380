"""The table of tools side by side."""

from collections import Counter

from tests.bench.peers.measure import Figures
from tests.bench.peers.table import markdown
from tests.bench.scale.rig.audit import Requests
from tests.bench.scale.section import Conditions


def figures(tool: str, **kinds: int) -> Figures:
    sent = Requests(
        watches=9, others=Counter({("list" if kind == "pods" else "patch", kind): n for kind, n in kinds.items()})
    )
    return Figures(tool, 200, 20.0, 31.25, sent, 8.0, (50_000_000, 90_000_000, 95_000_000), [0.1, 0.2, 0.3], [0.4, 0.4])


def test_what_is_per_object_is_per_object() -> None:
    runs = [figures("A", pods=800, services=400, rare=0), figures("B", services=200)]
    floor = {"a bare loop": [0.1, 0.2, 0.3], "another loop": [0.2, 0.2, 0.2]}
    text = markdown(runs, floor, Conditions("python -m x", "today", "abc", "2 x Chip", (0.5, 1.5)))
    lines = text.splitlines()
    assert lines[:2] == ["| 200 objects, one pod each | A | B |", "| --- | ---: | ---: |"]
    assert "| API requests per object, watches apart | 6.0 | 1.0 |" in lines
    assert "| CPU of the controller per object | 40 ms | 40 ms |" in lines
    assert "| object there to child there meanwhile, p50 / p99 | 400 ms / 400 ms | 400 ms / 400 ms |" in lines
    assert "| 3 applied at once: child visible, p50 / p99 | 200 ms / 298 ms | 200 ms / 298 ms |" in lines
    loops = "a bare loop: 200 ms / 298 ms; another loop: 200 ms / 200 ms"
    assert f"3 at once, child visible, p50 / p99: {loops}." in lines
    kinds = lines[lines.index("| API requests per object | A | B |") + 2 :]
    assert kinds[:3] == ["| list pods | 4.00 |  |", "| patch services | 2.00 | 1.00 |", ""]
    assert "load average 0.5 before and 1.5 after" in text
