"""The answers of the last minute by question, kept while somebody asks for them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from rollmodel.serving.pairs.answers import Answers

__all__ = ["RecentAnswers"]

#: What is kept at most: some 20 MB.
MOST_QUESTIONS, MOST_VALUES = 16_384, 131_072
#: How long an answer is kept, and for how long answers are kept after somebody asked.
KEPT_SECONDS, WANTED_SECONDS = 60.0, 30.0


class RecentAnswers:
    """Answers of this process. Thread-safe; never more than its bounds, the oldest go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, Answers]] = OrderedDict()
        self._values = 0
        self._wanted_until = 0.0

    def wanted(self) -> bool:
        """Whether anybody asked lately; else nothing is kept."""
        if self._wanted_until > self._clock():
            return True
        if self._answers:
            with self._lock:
                self._answers.clear()
                self._values = 0
        return False

    def put(self, question: str, answers: Answers) -> None:
        """Keep the newest answer to a question."""
        now = self._clock()
        with self._lock:
            self._drop(question)
            self._answers[question] = (now, answers)
            self._values += len(answers)
            while self._answers:
                oldest, (since, _) = next(iter(self._answers.items()))
                full = len(self._answers) > MOST_QUESTIONS or self._values > MOST_VALUES
                if not full and since > now - KEPT_SECONDS:
                    break
                self._drop(oldest)

    def ask(self, questions: Iterable[str]) -> Mapping[str, Answers]:
        """The answers to those questions that were asked here; from now on answers are kept for a while."""
        now = self._clock()
        with self._lock:
            self._wanted_until = now + WANTED_SECONDS
            found = {question: self._answers[question] for question in questions if question in self._answers}
        return {question: answers for question, (since, answers) in found.items() if since > now - KEPT_SECONDS}

    def _drop(self, question: str) -> None:
        if (gone := self._answers.pop(question, None)) is not None:
            self._values -= len(gone[1])
