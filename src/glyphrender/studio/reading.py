"""The text that an OCR program reads on a page, with its differences from the text of the page marked.

Characters are compared as `ocr.legibility` compares them: in NFKC, without white space and invisible characters. The
white space of the page is shown between them, so that a person can read the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glyphrender.document.page import Page
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, load_levenshtein
from glyphrender.ocr.legibility import PageReader, seen_image, shown_text
from glyphrender.studio.page_view import escaped
from glyphrender.text import grapheme
from glyphrender.text.properties import codepoints

__all__ = ["ReadPassage", "Reading", "differences", "read_page"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPassage:
    """A passage of the text that was read right, or one that was not.

    Attributes:
        true: the characters on the page; empty if the reader added some.
        read: the characters that the reader returned; empty if the reader left some out.
        wrong: whether the two differ. A passage that was read right has the white space of the page in both.
        edits: insertions, deletions and substitutions of characters in the passage.
        before: white space of the page before the passage.
    """

    true: str
    read: str
    wrong: bool
    edits: int = 0
    before: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A page as a reader read it.

    Attributes:
        passages: the text in its order.
        characters: characters of the page that count; see the module.
        reader: name of the reader.
        seen_by: name of the model whose resize the page went through, or "".
    """

    passages: tuple[ReadPassage, ...]
    characters: int
    reader: str
    seen_by: str = ""

    @property
    def wrong(self) -> int:
        """Insertions, deletions and substitutions that turn the text of the page into the text that was read."""
        return sum(passage.edits for passage in self.passages)

    @property
    def insertions(self) -> int:
        """Characters that were read where the page has none."""
        return sum(passage.edits for passage in self.passages if not passage.true)

    @property
    def deletions(self) -> int:
        """Characters of the page that were left out."""
        return sum(passage.edits for passage in self.passages if not passage.read)

    @property
    def substitutions(self) -> int:
        """Characters that were taken for others."""
        return self.wrong - self.insertions - self.deletions

    @property
    def error_rate(self) -> float:
        """Character error rate: `wrong / characters`, or 0 for a page without characters. It may be above 1."""
        return self.wrong / self.characters if self.characters else 0.0

    @property
    def summary(self) -> str:
        """Return one sentence with the figures."""
        at = f" at the size that {self.seen_by} sees" if self.seen_by else ""
        return (
            f"{self.reader}{at} read {self.wrong:,} of {self.characters:,} characters wrong "
            f"({self.error_rate:.2%}): {self.substitutions:,} taken for others, {self.deletions:,} left out, "
            f"{self.insertions:,} added."
        )

    @property
    def html(self) -> str:
        """Return HTML with the differences as `<del>` (on the page) and `<ins>` (read), for a document with `head`."""
        summary = escaped(self.summary)
        return (
            f'<section class="gv" aria-label="Reading of an OCR program"><p>{summary}</p>'
            "<p><del>Struck out</del>: on the page, and not read. <ins>Underlined</ins>: read, and not on the page. "
            "White space is not compared.</p>"
            '<pre class="gv-reading" tabindex="0" role="group" aria-label="Text that was read, differences marked">\n'
            f"{''.join(map(_marked, self.passages))}</pre></section>"
        )


def read_page(page: Page, *, model: str | VisionModel | None = None, reader: PageReader | None = None) -> Reading:
    """Let a reader read a page, and return the text with its differences. Tesseract takes about 1.5 s a page.

    >>> from glyphrender import render
    >>> reading = read_page(render("In the beginning")[0], reader=lambda image: "In he beginnimg")
    >>> reading.deletions, reading.substitutions, round(reading.error_rate, 2)
    (1, 1, 0.14)

    Args:
        page: the page.
        model: a name in `VISION_MODELS`, or a vision model: the page is read at the size that the model sees. By
            default the page is read as it was drawn.
        reader: a function from an image to text; by default Tesseract.

    Raises:
        VisionModelError: there is no such model, or it refuses a page of this size.
        DependencyError: rapidfuzz or Tesseract is not installed.
    """
    load_levenshtein()  # raises for a missing package before the page is read
    known = None if model is None else vision_model(model)
    image = page.image if known is None else seen_image(page, known)
    name = "Tesseract" if reader is None else getattr(reader, "__name__", type(reader).__name__)
    true = shown_text(page)
    return Reading(
        passages=differences(true, (reader or _tesseract())(image)),
        characters=len("".join(_characters(true)[0])),
        reader="The reader" if name == "<lambda>" else name,
        seen_by="" if known is None else known.name,
    )


def differences(true: str, read: str) -> tuple[ReadPassage, ...]:
    """Return two texts as passages that are equal and passages that are not. White space is not compared.

    >>> [(part.true, part.read) for part in differences("a cat sat", "a bat  sat")]
    [('a', 'a'), ('c', 'b'), ('at sat', 'at sat')]

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    (ours, gaps), (theirs, their_gaps) = _characters(true), _characters(read)
    passages = []
    for code in load_levenshtein().opcodes(ours, theirs):
        here = slice(code.src_start, code.src_end)
        there = slice(code.dest_start, code.dest_end)
        before = gaps[here.start] if here.start < here.stop else ""
        one = _joined(ours[here], gaps[here])
        if code.tag == "equal":
            passages.append(ReadPassage(true=one, read=one, wrong=False, before=before))
            continue
        two = _joined(theirs[there], their_gaps[there])
        edits = max(here.stop - here.start, there.stop - there.start)
        passages.append(ReadPassage(true=one, read=two, wrong=True, edits=edits, before=before))
    return tuple(passages)


def _characters(text: str) -> tuple[str, list[str]]:
    """Return the characters of a text that are compared, and the white space before each.

    Each grapheme cluster is brought to NFKC alone.
    """
    bounds = [*np.flatnonzero(grapheme.cluster_starts(codepoints(text))).tolist(), len(text)]
    characters: list[str] = []
    gaps: list[str] = []
    gap = ""
    for start, end in zip(bounds, bounds[1:], strict=False):
        cluster = text[start:end]
        if cluster.isspace():
            gap += cluster
            continue
        for character in comparable(cluster):
            characters.append(character)
            gaps.append(gap)
            gap = ""
    return "".join(characters), gaps


def _joined(characters: str, gaps: Sequence[str]) -> str:
    """Return characters with the white space between them, and none before the first."""
    return characters[:1] + "".join(gap + character for gap, character in zip(gaps[1:], characters[1:], strict=True))


def _marked(passage: ReadPassage) -> str:
    if not passage.wrong:
        return escaped(passage.before + passage.true)
    gone = f"<del>{escaped(passage.true)}</del>" if passage.true else ""
    added = f"<ins>{escaped(passage.read)}</ins>" if passage.read else ""
    return f"{escaped(passage.before)}{gone}{added}"


def _tesseract() -> PageReader:
    from glyphrender.ocr.tesseract import Tesseract

    return Tesseract()
