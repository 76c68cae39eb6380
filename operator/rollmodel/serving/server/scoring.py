"""One inference, and whose fault it is when it fails.

MLflow's scoring function answers 400 when the model raises, as if the client had erred, and lets some malformed
requests end as 500. A rollout is judged by these codes, so here the line is drawn where the model begins: what fails
before its code is entered is the request's fault (4xx), what fails from then on is the model's (5xx).
See docs/adr/0002-the-model-server.md.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mlflow.exceptions import MlflowException
from mlflow.models import convert_input_example_to_serving_input
from mlflow.pyfunc import PyFuncModel, scoring_server

from rollmodel.errors import Terminal

__all__ = ["Answer", "Observers", "Scorer", "load"]

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("rollmodel.serve")

_entered: ContextVar[bool] = ContextVar("entered", default=False)
"""Whether the model's own code has been reached by this request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. ``cause`` is for logs and never sent: it may hold what the model knows."""

    status: int
    body: bytes
    media_type: str = "application/json"
    cause: str = ""

    @classmethod
    def error(cls, status: int, code: str, message: str, *, cause: str = "") -> Answer:
        """An error in the form that MLflow's clients know."""
        return cls(status, json.dumps({"error_code": code, "message": message}).encode(), cause=cause)


class ModelFailure(MlflowException):  # type: ignore[misc]  # MLflow is not typed
    """The model's own code raised something else than an answer to its caller."""


class Observer(Protocol):
    """Is shown what the model is asked and what it answers. Never raises."""

    def before(self, data: Any) -> Any:
        """What to keep of ``data`` before the model sees it."""
        ...

    def after(self, data: Any, answer: Any) -> None:
        """``data`` is what was kept."""
        ...


class Observers:
    """Several that are shown the same; what is kept is kept once, as the first one asks."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    @classmethod
    def of(cls, *observers: Observer | None) -> Observer | None:
        """Those that are there; None where nobody is."""
        there = [one for one in observers if one is not None]
        return there[0] if len(there) == 1 else cls(there) if there else None

    def before(self, data: Any) -> Any:
        """What to keep of ``data``."""
        return self._observers[0].before(data)

    def after(self, data: Any, answer: Any) -> None:
        """``data`` is what was kept."""
        for one in self._observers:
            one.after(data, answer)


class _Watched:
    """A place for the observer: there is none while the model answers its own example."""

    observer: Observer | None = None


def _guarded(predict: F, watched: _Watched) -> F:
    """``predict`` that tells that it was entered, and whose exceptions MLflow does not take for the client's.

    An MlflowException is passed on: with it an author states deliberately what the caller is told, and MLflow's own
    flavours and type hints refuse input that way.
    """

    @functools.wraps(predict)  # MLflow looks for `params` in the signature
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _entered.set(True)
        observer = watched.observer
        kept = observer.before(args[0]) if observer is not None and args else None
        try:
            answer = predict(*args, **kwargs)
        except MlflowException:
            raise
        except Exception as error:
            raise ModelFailure(f"{type(error).__name__}: {error}") from error
        if observer is not None and kept is not None:
            observer.after(kept, answer)
        return answer

    return guarded  # type: ignore[return-value]


class Scorer:
    """A loaded model behind MLflow's scoring protocol. Thread-safe as far as the model is."""

    def __init__(self, model: PyFuncModel) -> None:
        self._watched = _Watched()
        guarded = _guarded(model._predict_fn, self._watched)  # noqa: SLF001  the one seam behind schema enforcement
        model._predict_fn = guarded  # noqa: SLF001
        self.model = model
        self._schema = model.metadata.get_input_schema()

    def watch(self, observer: Observer | None) -> None:
        """Show this observer each call of the model from now on."""
        self._watched.observer = observer

    def score(self, body: bytes, content_type: str) -> Answer:
        """Answer the body of one request. Never raises an Exception."""
        _entered.set(False)
        try:
            answer = scoring_server.invocations(body, content_type, self.model, self._schema)
            return Answer(answer.status, answer.response.encode(), answer.mimetype)
        except ModelFailure as error:
            logger.exception("the model failed")
            return _failure(f"the model raised {type(error.__cause__).__name__}", cause=str(error.__cause__))
        except MlflowException as error:
            status = error.get_http_status_code()
            if status >= 500 and not _entered.get():
                status = 400
            return Answer(status, error.serialize_as_json().encode(), cause=error.message)
        except Exception as error:
            if _entered.get():
                logger.exception("the model's answer cannot be written as JSON")
                return _failure("the model's answer cannot be written as JSON", cause=str(error))
            return Answer.error(400, "BAD_REQUEST", f"the request cannot be read ({type(error).__name__})")


def _failure(message: str, *, cause: str) -> Answer:
    return Answer.error(500, "INTERNAL_ERROR", f"{message}; the server's log has the details", cause=cause)


def load(folder: Path) -> tuple[Scorer, bool]:
    """The model of a folder, after a real inference with its logged input example; False where it has none.

    Raises Terminal: LoadFailed, or InputExampleFailed where the model cannot answer its own example.
    """
    try:
        scorer = Scorer(scoring_server.load_model_with_mlflow_config(str(folder)))
    except Exception as error:
        logger.exception("the model cannot be loaded")
        raise Terminal(f"{type(error).__name__}: {error}", reason="LoadFailed") from error
    if scorer.model.metadata.signature is None:
        logger.warning("no signature: a request that does not fit the model counts as the model's error")
    example = _serving_example(scorer.model, folder)
    if example is None:
        logger.warning("no input example: ready means loaded, not tried")
        return scorer, False
    answer = scorer.score(example.encode(), scoring_server.CONTENT_TYPE_JSON)
    if answer.status != 200:
        raise Terminal(f"{answer.status} {answer.cause or answer.body.decode()}", reason="InputExampleFailed")
    return scorer, True


def _serving_example(model: PyFuncModel, folder: Path) -> str | None:
    """The example as a request body; converted where an MLflow before 2.16 logged it only as data."""
    stored: str | None = model.metadata.get_serving_input(str(folder))
    if stored is None and model.metadata.saved_input_example_info:
        converted: str = convert_input_example_to_serving_input(model.metadata.load_input_example(str(folder)))
        return converted
    return stored
