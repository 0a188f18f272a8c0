"""The spine: text and θ → pages whose lines are known, nothing drawn.

Memory is bounded by a chunk of text, the page it is on and the arena of words, whatever the length of the
text; a page holds on to the chunk it came from and lets it go when it is dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from glyphrender._system.after_fork import after_fork_in_child
from glyphrender.text.source import Text, chunks
from glyphrender.theta import Direction, Theta
from glyphrender.typeset.analyse import Run, tokenise
from glyphrender.typeset.break_lines import break_lines
from glyphrender.typeset.glyph_store import Arena
from glyphrender.typeset.line_table import LAST, Galley, Measures
from glyphrender.typeset.paginate import PageLayout, Paginator
from glyphrender.typeset.word_cache import Words, WordStyle, words_of

_BASE: Final = {Direction.AUTO: None, Direction.LTR: 0, Direction.RTL: 1}

# A search over θ sets the same few texts again and again. Their runs are most of the time of a layout, and take some 2
# bytes a character of prose beside the text; they are kept for this many texts, and so many characters in all.
_TEXTS: Final = 4
_CHARACTERS: Final = 16_000_000


def layout_pages(text: Text, theta: Theta, *, max_pages: int | None = None) -> Iterator[PageLayout]:
    """Typeset `text` under `theta`, page by page, drawing nothing.

    What does not depend on sizes is remembered of the last few texts: under another θ of equal `WordStyle` and
    `direction`, setting one takes a third of the time or less.

    Raises:
        FontError: a font of `theta` cannot be used.
        LayoutError: the text needs more than `max_pages` pages.
        DataError: `text` gives something that is not str.
    """
    runs = _known.runs(text, theta) if isinstance(text, str) else None
    yield from Paginator(theta, max_pages=max_pages).fill(galleys(text, theta, runs=runs))


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRun:
    """A chunk of the text as pieces, the words whose arena they are in, and whether it ends inside a paragraph."""

    run: Run
    words: Words
    open: bool


def text_runs(text: Text, theta: Theta, *, offset: int = 0, line: int = 0) -> Iterator[TextRun]:
    """`text` as words, breaks and bidi levels, chunk by chunk; new words are shaped.

    The same for every θ of equal `WordStyle` and `direction`, whatever its sizes.
    """
    words = words_of(WordStyle.of(theta))
    base = _BASE[theta.direction]
    for chunk in chunks(text, base=base, offset=offset, line=line):
        with words.writing():
            if words.full:
                words.renew()
            run = tokenise(chunk, words, base=base)
        yield TextRun(run=run, words=words, open=chunk.open)


def galleys(
    text: Text, theta: Theta, *, offset: int = 0, line: int = 0, runs: Iterable[TextRun] | None = None
) -> Iterator[Galley]:
    """The lines of `text`, some at a time.

    Args:
        text: of a document, or the part of one that starts with a paragraph.
        theta: the rendering parameters.
        offset, line: characters and line ends of the document before `text`.
        runs: its runs, if they are at hand.
    """
    words = words_of(WordStyle.of(theta))
    measures = Measures.of(theta, words)
    begins, left = True, None
    for each in text_runs(text, theta, offset=offset, line=line) if runs is None else runs:
        # Broken lines may add pieces to the arena. Of a style that is no longer kept `words_of` gives other words.
        run, words = each.run, each.words
        with words.writing():
            if left is not None:
                run = _moved(left, run.arena).joined(run)
            final = not each.open and measures.marker is None
            galley, left = break_lines(run, measures, begins=begins, final=final)
        if len(galley):
            yield galley
            begins = left is None or bool(galley.flags[-1] & LAST)
    if left is not None:
        with words.writing():
            galley, _ = break_lines(left, measures, begins=begins, final=True)
        yield galley


def _moved(run: Run, arena: Arena) -> Run:
    """`run` with its pieces in `arena`."""
    if run.arena is arena:
        return run
    return replace(run, arena=arena, piece=arena.copy_pieces(run.arena, run.piece))


class _Known:
    """The runs of the texts set last, each by text, words and base direction."""

    def __init__(self) -> None:
        self._runs: OrderedDict[tuple[str, Words, Direction], tuple[TextRun, ...]] = OrderedDict()
        self.forked()

    def forked(self) -> None:
        """With a lock that nobody holds: in a forked process the thread that held it is not there."""
        self._lock = Lock()

    def runs(self, text: str, theta: Theta) -> Iterable[TextRun]:
        """The runs of `text`: those at hand, or new ones, which are at hand once all of them were taken."""
        words = words_of(WordStyle.of(theta))
        key = (text, words, theta.direction)
        with self._lock:
            runs = self._runs.pop(key, None)
            # A full arena is about to be left. One that was left may be half written, or grow without end by
            # the pieces that broken lines add.
            if runs is not None and not words.full and all(each.run.arena is words.arena for each in runs):
                self._runs[key] = runs
                return runs
        return self._noted(key, theta)

    def _noted(self, key: tuple[str, Words, Direction], theta: Theta) -> Iterator[TextRun]:
        text = key[0]
        short = len(text) <= _CHARACTERS
        runs: list[TextRun] = []
        for each in text_runs(text, theta):
            if short:
                runs.append(each)
            yield each
        if not short:
            return
        with self._lock:
            self._runs[key] = tuple(runs)
            while len(self._runs) > _TEXTS or sum(len(text) for text, _, _ in self._runs) > _CHARACTERS:
                self._runs.popitem(last=False)


_known = _Known()
after_fork_in_child(_known.forked)
