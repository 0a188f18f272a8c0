"""`--evaluator` of `glyphrender search`: a name, or MODULE:NAME for a function of the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from glyphrender.search.evaluation import Evaluation, Evaluator
    from glyphrender.theta import Theta


#: The kinds of text that OCR programs read (`ocr.priorless.TextKind`). The help of commands loads no module for them.
TEXT_KINDS: Final = ("prose", "words", "pseudo", "letters", "alphanumeric")


def evaluator_of(name: str, texts: list[str], vision: str, language: str, kind: str = "prose") -> Evaluator:
    """Return the evaluator that `name` stands for. If it is a plain function, its name is "module:name".

    Args:
        name: "reader", "rapidocr", or "module:name" of a callable. The module may be in the working directory.
        texts: the texts; OCR programs read excerpts of them.
        vision: the vision model. OCR programs read pages at the size that it sees.
        language: the language of Tesseract's data.
        kind: the kind of text that OCR programs read.

    Raises:
        click.UsageError: there is no evaluator of that name.
        DataError: the module cannot be loaded, or has no such function.
    """
    if name == "reader":
        from glyphrender.search.reader import ReaderEvaluator

        return ReaderEvaluator(texts, model=vision, language=language, kind=kind)
    if name == "rapidocr":
        from glyphrender.ocr.rapidocr import RapidOcr
        from glyphrender.search.reader import ReaderEvaluator

        return ReaderEvaluator(texts, model=vision, reader=RapidOcr(), name="rapidocr", kind=kind)
    if ":" not in name:
        raise click.UsageError(f"--evaluator {name} is not known. Use reader, rapidocr, vlm, or MODULE:NAME.")
    found = _loaded(name)
    return found if isinstance(getattr(found, "name", None), str) else _Function(name, found)


def _loaded(path: str) -> Any:
    from glyphrender.errors import DataError

    module, _, name = path.partition(":")
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        found: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DataError(f"--evaluator {path} cannot be loaded ({error}). Check its module.") from error
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise DataError(f"--evaluator {path} is no function. Name a function of (theta, samples=, seed=).")
    return found


class _Function:
    """An evaluator that calls a function. The function may return an `Evaluation`, or only the error."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self._function = name, function
        for optional in ("rungs", "available", "concurrency"):
            if hasattr(function, optional):
                setattr(self, optional, getattr(function, optional))

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        from glyphrender.errors import DataError
        from glyphrender.search.evaluation import Evaluation

        found = self._function(theta, samples=samples, seed=seed)
        if isinstance(found, Evaluation):
            return found
        try:
            error = float(found)
        except (TypeError, ValueError) as cause:
            raise DataError(f"{self.name} gave {found!r:.60}, and no error. Return a number from 0 up.") from cause
        return Evaluation(error=error, low=error, high=error, samples=samples)
