"""The search over θ: find the pages that read best for a visual token, by a genetic algorithm on two objectives.

A search has a number of *rounds*, and a round has a number of *steps*, one θ each. A proposer may suggest θ between
rounds. Within a round, θ come in batches. The operators make a batch from the best θ so far (NSGA-II: rank, then
crowding; two-way tournaments). Each θ is laid out for ρ, and hopeless ones are dropped. The others are read by
successive halving: all on a small sample, the better half on a larger one, and so on. The front consists of θ that were
read on the largest sample. At the end the front is read again, on words that the search has not seen, because the best
of many noisy readings looks better than it is.

A search depends only on the seed and on the answers of evaluator and proposer; `journal` explains how it is resumed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from glyphrender.errors import DataError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.report.progress import Tell, progress_bar
from glyphrender.rich.rich_text import RichText, drawn_of
from glyphrender.search.evaluation import Evaluator
from glyphrender.search.journal import Journal
from glyphrender.search.proposer import Proposer
from glyphrender.search.result import Budget, SearchProgress, SearchResult
from glyphrender.search.rho_text import rho_texts
from glyphrender.search.run import SearchRun
from glyphrender.search.settings import SampleSizes, SearchSettings
from glyphrender.search.space import Space
from glyphrender.search.workers import Work, Workers
from glyphrender.theta import Theta, ThetaLike

__all__ = ["search"]


def search(
    texts: str | RichText | Sequence[str | RichText],
    model: str | VisionModel = "glm-4.1v",
    *,
    space: Space | None = None,
    evaluator: Evaluator | None = None,
    proposer: Proposer | None = None,
    rounds: int = 5,
    steps: int = 200,
    budget: Budget | None = None,
    seed: int = 0,
    journal: str | os.PathLike[str] | None = None,
    resume: bool = False,
    jobs: int | None = None,
    tokenizer: TokenizerLike | None = None,
    rungs: Sequence[int] | None = None,
    max_error: float = 0.1,
    start: Mapping[str, ThetaLike] | None = None,
    progress: Callable[[SearchProgress], None] | bool | None = None,
) -> SearchResult:
    """Search the θ of `space` for low error and high ρ.

    Args:
        texts: the texts that ρ is measured on (see `rho_texts`), and by default the texts that are read. Of
            a rich text, the letters are read without their styles.
        model: a name in `VISION_MODELS`, or a model.
        space: what may vary; by default `Space.preset("reader", model)`.
        evaluator: measures the error of a θ; by default `ReaderEvaluator(texts, model=model)`.
        proposer: asked once a round, from the second round on, for a fifth of its steps.
        rounds: highest number of rounds.
        steps: number of θ in a round.
        budget: caps on evaluations, samples and time.
        seed: equal seeds give equal searches, whatever `jobs` is.
        journal: a file to write each step to; see `glyphrender.search.journal`.
        resume: go on with that file, if it exists.
        jobs: number of processes, or of threads if the evaluator asks for threads; by default one a core.
        tokenizer: see `compression_ratio`.
        rungs: sample sizes of the halving; by default those of the evaluator, else (1, 3, 10).
        max_error: a θ of more error is of no use, whatever its ρ.
        start: θ to begin with, by name, moved into the space (see `Theta.of`); by default glyph-en and dense.
        progress: called after each reading of a θ and after each batch. By default a bar of tqdm is shown in a notebook
            and on a terminal, if tqdm is installed; False shows none.

    Raises:
        DataError: there is no text, an argument is out of range, or the journal cannot be written or belongs to another
            search.
        ThetaError, VisionModelError, DependencyError, TokenizerError: see `Space.preset`, `ReaderEvaluator` and
            `compression_ratio`.
    """
    texts = _checked_texts(texts)
    model = vision_model(model)
    settings = SearchSettings(
        rounds=rounds,
        steps=steps,
        budget=budget or Budget(),
        seed=seed,
        jobs=jobs if jobs is not None else os.cpu_count() or 1,
        max_error=max_error,
    )
    if space is None:
        space = Space.preset("reader", model, text=drawn_of(texts[0]))
    if evaluator is None:
        from glyphrender.search.reader import ReaderEvaluator

        evaluator = ReaderEvaluator(texts, model=model)
    sizes = SampleSizes.of(evaluator, rungs)
    if start is None:
        start = {name: name for name in ("glyph-en", "dense")}
    begin = {name: Theta.of(theta) for name, theta in start.items()}
    work = Work(texts=rho_texts(texts), model=model, tokenizer=tokenizer, evaluator=evaluator)
    header = _header(settings, sizes, space, work, proposer, begin)
    with ExitStack() as stack:
        opened = stack.enter_context(Journal(journal, header, resume=resume))
        workers = stack.enter_context(Workers(work, settings.jobs, forked=opened.close))
        tell = stack.enter_context(progress_bar("search", unit="sample", asked=progress))
        run = SearchRun(
            settings=settings,
            sizes=sizes,
            space=space,
            workers=workers,
            journal=opened,
            progress=progress if callable(progress) else partial(_told, tell),
        )
        return run.whole(proposer, begin)


def _header(
    settings: SearchSettings,
    sizes: SampleSizes,
    space: Space,
    work: Work,
    proposer: Proposer | None,
    start: Mapping[str, Theta],
) -> dict[str, Any]:
    """Return all that decides the steps of a search. A journal with another header belongs to another search."""
    return {
        "seed": settings.seed,
        "steps": settings.steps,
        "vision": work.model.name,
        "evaluator": work.evaluator.name,
        "proposer": proposer.name if proposer is not None else None,
        "rungs": sizes.rungs,
        "max_error": settings.max_error,
        "space": space.digest,
        "axes": space.describe(),
        "start": {name: theta.digest for name, theta in start.items()},
        # The texts that ρ is measured on, and the tokenizer that counts them.
        "text": _digest(work.texts),
        "tokenizer": _name(work.tokenizer),
    }


def _told(tell: Tell, seen: SearchProgress) -> None:
    words = "reading the front again" if seen.final else f"round {seen.round}, {len(seen.front)} θ on the front"
    tell(seen.samples, seen.expected, words)


def _checked_texts(texts: str | RichText | Sequence[str | RichText]) -> tuple[str | RichText, ...]:
    texts = (texts,) if isinstance(texts, str | RichText) else tuple(texts)
    for text in texts:
        if not isinstance(text, str | RichText):
            raise DataError(f"texts have {shown(text)}, not str. Pass a str, or a list of them.")
    if not any(drawn_of(text).strip() for text in texts):
        raise DataError("there is no text to search for. Pass one that is not empty.")
    return texts


def _digest(texts: Sequence[str | RichText]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        if isinstance(text, RichText):
            digest.update(bytes.fromhex(text.digest))
        else:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def _name(tokenizer: TokenizerLike | None) -> str | None:
    if tokenizer is None or isinstance(tokenizer, str | os.PathLike):
        return None if tokenizer is None else os.fspath(tokenizer)
    return type(tokenizer).__name__
