"""The candidate's side: a thread that asks the pods of the stable revision what they answered to the same requests.

A request pays for a place in a dictionary. Copies wait for their other half for a while, then they are lost, and that
is counted. While the name of the Service does not resolve nothing is kept.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rollmodel.serving.pairs.answers import Answers, RowsOfRule
from rollmodel.serving.pairs.config import PairsConfig
from rollmodel.serving.pairs.metrics import PairMetrics

__all__ = ["ASKED_TOGETHER", "Collector", "addresses_of", "ask_pod"]

Asks = Callable[[str, int, Sequence[str]], tuple[str | None, Mapping[str, Answers]]]

#: Copies that wait at most, and how long; the same question counts once in a minute.
WAITING, WAITING_SECONDS, REPEATED_SECONDS = 4096, 30.0, 60.0
#: Questions of one call.
ASKED_TOGETHER = 1000
#: Between two rounds, and between two looks for pods while there are none.
ROUND_SECONDS, IDLE_SECONDS = 1.0, 10.0
#: Pods asked in a second, at most.
PODS_PER_SECOND = 50.0
_TIMEOUT = 2.0
_MOST_BYTES = 8 * 2**20

logger = logging.getLogger("rollmodel.serve")


@dataclass(frozen=True, slots=True)
class Copy:
    """What this pod answered to a copy."""

    since: float
    answers: Answers
    rows: Sequence[RowsOfRule]


class Collector:
    """Pairs the copies of this process. ``find`` gives the addresses of the pods that ``ask`` may ask."""

    def __init__(
        self,
        config: PairsConfig,
        metrics: PairMetrics,
        *,
        find: Callable[[str, int], Sequence[str]] | None = None,
        ask: Asks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._find, self._ask, self._clock = find or addresses_of, ask or ask_pod, clock
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Copy] = OrderedDict()
        self._counted: OrderedDict[str, float] = OrderedDict()
        self._active = False
        self._said = ""

    def start(self) -> None:
        """Work in a thread of its own until the process ends."""
        threading.Thread(target=self._work, name="rollmodel-pairs", daemon=True).start()

    @property
    def active(self) -> bool:
        """Whether copies are compared now."""
        return self._active

    def put(self, question: str, answers: Answers, rows: Sequence[RowsOfRule]) -> None:
        """A copy was answered."""
        with self._lock:
            if question in self._waiting or question in self._counted:
                self._metrics.lose("repeated")
                return
            self._waiting[question] = Copy(self._clock(), answers, rows)
            full = len(self._waiting) > WAITING
            if full:
                self._waiting.popitem(last=False)
        if full:
            self._metrics.lose("too_many")

    def round(self) -> float:
        """Ask all pods once, and count the pairs; seconds until the next round."""
        pods = self._find(self._config.service, self._config.port)
        others = 0
        with self._lock:
            questions = list(islice(reversed(self._waiting), ASKED_TOGETHER))  # the newest are likely to be found
        for pod in pods:
            try:
                revision, found = self._ask(pod, self._config.port, questions)
            except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
                others += 1
                self._say(type(error).__name__)
                continue
            if revision == self._config.revision:
                continue  # this revision is the stable one by now
            others += 1
            self._pair(found)
            questions = [question for question in questions if question not in found]
        self._active = others > 0
        self._expire()
        return max(ROUND_SECONDS, len(pods) / PODS_PER_SECOND) if self._active else IDLE_SECONDS

    def _pair(self, found: Mapping[str, Answers]) -> None:
        with self._lock:
            pairs = [(copy, theirs) for one, theirs in found.items() if (copy := self._waiting.pop(one, None))]
            now = self._clock()
            self._counted.update((question, now) for question in found)
        for copy, theirs in pairs:
            self._metrics.count(copy.answers, theirs, copy.rows)

    def _expire(self) -> None:
        """Let go what waits or is remembered for too long; everything while nobody can be asked."""
        now = self._clock()
        with self._lock:
            if not self._active:
                self._waiting.clear()
                self._counted.clear()
                return
            late = [one for one, copy in self._waiting.items() if copy.since <= now - WAITING_SECONDS]
            for one in late:
                del self._waiting[one]
            while self._counted and next(iter(self._counted.values())) <= now - REPEATED_SECONDS:
                self._counted.popitem(last=False)
        self._metrics.lose("not_found", len(late))

    def _work(self) -> None:
        while True:
            try:
                seconds = self.round()
            except Exception as error:  # noqa: BLE001  the model is served whatever happens here
                self._say(type(error).__name__)
                seconds = IDLE_SECONDS
            time.sleep(seconds)

    def _say(self, trouble: str) -> None:
        """Once for each kind of trouble in a row."""
        if trouble != self._said:
            self._said = trouble
            logger.warning("pods cannot be asked for their answers (%s); the model is served", trouble)


def addresses_of(service: str, port: int) -> list[str]:
    """The addresses that a name resolves to; none where it does not."""
    try:
        found = socket.getaddrinfo(service, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(address[0]) for *_, address in found})


def ask_pod(host: str, port: int, questions: Sequence[str]) -> tuple[str | None, Mapping[str, Answers]]:
    """The revision of a pod, and what it answered. Raises OSError, HTTPException, ValueError and TypeError."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        body = json.dumps({"questions": list(questions)})
        connection.request("POST", "/pairs", body, {"Content-Type": "application/json", "Connection": "close"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"status {response.status}")
        content = json.loads(response.read(_MOST_BYTES))
    finally:
        connection.close()
    asked = set(questions)
    found = {one: _answers(values) for one, values in content["answers"].items() if one in asked}
    return content.get("revision"), found


def _answers(values: object) -> Answers:
    if not isinstance(values, list):
        raise TypeError("answers are a list")
    return tuple(value if isinstance(value, str) else float(value) for value in values)
