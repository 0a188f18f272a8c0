"""The spine: text and θ → pages whose lines are known, nothing drawn.

Memory is bounded by a chunk of text, the page it is on and the arena of words, whatever the length of the
text; a page holds on to the chunk it came from and lets it go when it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from glyphrender.text.source import Text, chunks
from glyphrender.theta import Direction, Theta
from glyphrender.typeset.arena import Arena
from glyphrender.typeset.lines import LAST, Galley, Measures, break_lines
from glyphrender.typeset.paginate import PageLayout, Paginator
from glyphrender.typeset.tokens import Run, tokenise
from glyphrender.typeset.words import WordStyle, words_of


def layout_pages(text: Text, theta: Theta, *, max_pages: int | None = None) -> Iterator[PageLayout]:
    """Typeset `text` under `theta`, page by page, drawing nothing.

    Raises:
        FontError: a font of `theta` cannot be used.
        LayoutError: the text needs more than `max_pages` pages.
        DataError: `text` gives something that is not str.
    """
    pages = Paginator(theta, max_pages=max_pages)
    for galley in galleys(text, theta):
        yield from pages.add(galley)
    yield from pages.finish()


def galleys(text: Text, theta: Theta, *, offset: int = 0, line: int = 0) -> Iterator[Galley]:
    """The lines of `text`, some at a time.

    Args:
        text: of a document, or the part of one that starts with a paragraph.
        theta: the rendering parameters.
        offset, line: characters and line ends of the document before `text`.
    """
    words = words_of(WordStyle.of(theta))
    measures = Measures.of(theta, words)
    base = {Direction.AUTO: None, Direction.LTR: 0, Direction.RTL: 1}[theta.direction]
    begins, left = True, None
    for chunk in chunks(text, base=base, offset=offset, line=line):
        with words.writing():
            if words.full:
                words.renew()
            run = tokenise(chunk, words, base=base)  # words, breaks and bidi levels; new words are shaped
            if left is not None:
                run = _moved(left, words.arena).joined(run)
            final = not chunk.open and measures.marker is None
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
