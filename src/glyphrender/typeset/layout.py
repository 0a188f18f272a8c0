"""The spine: text and θ → pages whose lines are known. Nothing is drawn.

Read `layout_pages` first: it is the whole pipeline. Memory is bounded by a chunk of text, the page it is on and what
the shaper may remember, whatever the length of the text. A page holds on to the chunk it came from, and lets it go when
the page is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from glyphrender.rich.door import has_markup
from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.headings import headings
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import PartReader, PartSpan
from glyphrender.text.source import Chunk, TextLike, chunks
from glyphrender.text.unwrap import CONTEXT
from glyphrender.theta import Direction, Theta
from glyphrender.theta.parameter import AUTO
from glyphrender.typeset.auto_columns import LOOK, columns_of, sample
from glyphrender.typeset.break_lines import break_lines
from glyphrender.typeset.drawn import Drawn
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import LAST, LineTable
from glyphrender.typeset.look_metrics import LookMetrics
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.paragraph_styles import NO_STYLES
from glyphrender.typeset.paragraphs import Paragraphs
from glyphrender.typeset.rich_chunks import rich_segments
from glyphrender.typeset.rich_styles import Looks
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import Variant, WordStyle, consumption, flow_of
from glyphrender.typeset.variants import VariantPolicy, analyse_variants
from glyphrender.typeset.word_cache import WordCache

_BASE: Final = {Direction.AUTO: None, Direction.LTR: 0, Direction.RTL: 1}


def layout_pages(
    text: TextLike | RichText,
    theta: Theta,
    shaper: Shaper,
    *,
    max_pages: int | None = None,
    parts: Sequence[PartSpan] = (),
) -> Iterator[PageLayout]:
    """Typeset `text` under `theta`, page by page, drawing nothing.

    The shaper remembers the segments of the last few texts. Setting one of them again, under another θ of equal
    `WordStyle` and `direction`, takes a third of the time or less.

    Args:
        text: the text.
        theta: the rendering parameters.
        shaper: what is remembered.
        max_pages: a limit on the number of pages.
        parts: the parts of a `text` that is a str. A stream says itself where its parts begin.

    Raises:
        FontError: a font of `theta` cannot be used.
        LayoutError: the text needs more than `max_pages` pages.
        DataError: `text` gives something that is not str.
        DependencyError: `theta` has a markup, and the extra `markup` is not installed.
    """
    if has_markup(theta) and not isinstance(text, RichText):
        if not isinstance(text, str):  # markup is read as a whole: a link may be defined on the last line
            reader = PartReader(text, consumption(theta).count_line_ends)
            text, parts = "".join(reader), reader.parts
        text = shaper.marked(text, theta, parts)
    if isinstance(text, RichText):
        theta = with_columns(text, theta, shaper)
        if not text.is_plain:
            drawn, _ = _prepared(text, theta, shaper)
            found = headings(text, drawn) if "{section}" in theta.page_header else ()
            paginator = Paginator(theta, max_pages=max_pages, parts=parts, headings=found)
            yield from paginator.fill(rich_lines(text, theta, shaper))
            return
        text = text.source
    if isinstance(text, str):
        theta = with_columns(text, theta, shaper)
    else:
        text = reader = PartReader(text, consumption(theta).count_line_ends)
        parts = reader.parts
        if theta.columns == AUTO:
            theta = with_columns(reader.ahead(LOOK + 1), theta, shaper)
    style = shaper.style(theta)  # the faces, and what else a shaped word depends on
    segments = shape_text(text, theta, style, shaper)  # words, shaped once each into the glyph store
    lines = set_lines(segments, theta, style, shaper)  # greedy or even lines, of the widths that θ gives
    yield from Paginator(theta, max_pages=max_pages, parts=parts).fill(lines)  # columns and pages


def with_columns(text: str | RichText, theta: Theta, shaper: Shaper) -> Theta:
    """Return `theta` with the number of columns that `text` allows, if it asks for that (auto_columns.py)."""
    if theta.columns != AUTO:
        return theta
    style = shaper.style(theta)
    looks: LookMetrics | None = None
    if isinstance(text, str) or text.is_plain:
        first = sample(text if isinstance(text, str) else text.source)
        tables: Iterable[SegmentTable] = analysed(first, theta, style, shaper)
    else:
        tables, looks = _rich(text, theta, style, shaper)
    metrics = LineMetrics.of(theta, shaper.furniture(style), looks)
    segments = iter(tables)
    found = columns_of(segments, theta, metrics)
    if len(text) <= shaper.chunk_size:
        # A short text is one chunk, which is analysed now. The shaper remembers a text once all its chunks were taken.
        deque(segments, maxlen=0)
    return theta.replace(columns=found)


def rich_lines(text: RichText, theta: Theta, shaper: Shaper) -> Iterator[LineTable]:
    """Yield the lines of a rich text, those of a chunk at a time."""
    style = shaper.style(theta)
    segments, widths = _rich(text, theta, style, shaper)
    yield from set_lines(segments, theta, style, shaper, widths)


def _prepared(text: RichText, theta: Theta, shaper: Shaper) -> tuple[DrawnText, Paragraphs | None]:
    """Return the drawn text of a rich text, and the styles of its paragraphs; the shaper remembers those asked last."""
    base = _BASE[theta.direction]
    # Where a newline does not end a line, the whole text is one paragraph, and blocks have no meaning.
    flows = theta.newline_marker is not None
    overwritten = consumption(theta).overwritten

    def prepared() -> tuple[DrawnText, Paragraphs | None]:
        drawn = DrawnText(text)
        if flows:
            return drawn, None
        return drawn, Paragraphs.of(drawn, text.blocks, text.tables, base=base, overwritten=overwritten)

    return shaper.prepared((text, base, flows, overwritten), prepared)


def _rich(text: RichText, theta: Theta, style: WordStyle, shaper: Shaper) -> tuple[Iterable[SegmentTable], LookMetrics]:
    """Return (the segments of a rich text, chunk by chunk, the widths of its looks)."""
    drawn, paragraphs = _prepared(text, theta, shaper)
    looks, base = Looks.of(drawn.styles, theta), _BASE[theta.direction]
    reading = theta.direction, consumption(theta), flow_of(theta), paragraphs is None
    segments = shaper.remembered(
        text, style, reading, lambda: rich_segments(drawn, looks, paragraphs, theta, style, shaper, base=base)
    )
    widths = LookMetrics.of(looks.styles, NO_STYLES if paragraphs is None else paragraphs.styles, theta, shaper)
    return segments, widths


def shape_text(text: str | PartReader, theta: Theta, style: WordStyle, shaper: Shaper) -> Iterable[SegmentTable]:
    """Return the segments of `text`, chunk by chunk, as far as the shaper remembers them, else new ones."""
    if isinstance(text, str):
        return shaper.remembered(
            text,
            style,
            (theta.direction, consumption(theta), flow_of(theta)),
            lambda: analysed(text, theta, style, shaper),
        )
    return analysed(text, theta, style, shaper)


def analysed(
    text: str | Iterable[str],
    theta: Theta,
    style: WordStyle,
    shaper: Shaper,
    *,
    offset: int = 0,
    line: int = 0,
    around: tuple[str, str] = ("", ""),
) -> Iterator[SegmentTable]:
    """Yield the segments of `text`, chunk by chunk; `offset` characters and `line` source lines come before it.

    `around` is the text before and after it, as far as line ends of `text` depend on it.
    """
    base, policy, consumed = _BASE[theta.direction], VariantPolicy.of(theta), consumption(theta)
    flow = flow_of(theta)

    def cache_of(variant: Variant, _: Chunk) -> WordCache:
        return shaper.words(style if variant == style.variant else shaper.style(theta, variant))

    inherited = 0  # the variant of a paragraph that goes on in the next chunk
    size, inert = shaper.chunk_size, style.inert
    # Chunks end where paragraphs end, if possible.
    for chunk in chunks(
        text, size=size, base=base, offset=offset, line=line, inert=inert, consumed=consumed, flow=flow,
        before=around[0], after=around[1],
    ):  # fmt: skip
        drawn = Drawn.of(chunk, consumed)  # without what a terminal would not show
        table, inherited = analyse_variants(drawn.chunk, policy, cache_of, base=base, inherited=inherited)
        yield drawn.accounted(table)  # every character of the chunk counted again


def set_lines(
    segments: Iterable[SegmentTable],
    theta: Theta,
    style: WordStyle,
    shaper: Shaper,
    looks: LookMetrics | None = None,
) -> Iterator[LineTable]:
    """Yield the lines of `segments`, those of a chunk at a time. `looks` are the widths of rich text.

    A paragraph that goes on in the next chunk leaves its last, unfinished line for that chunk. A line may be longer
    than a chunk, for example if a million tabs hang on it. To copy such a line once a chunk would take quadratic time,
    so chunks are gathered until they are three times as long as the line before.
    """
    metrics = LineMetrics.of(theta, shaper.furniture(style), looks)
    begins, left, gathered = True, 0, []
    for table in segments:
        gathered.append(table)
        flows = table.open or metrics.marker is not None
        if table.ends_in_cell or (table.keeps and not flows):
            continue  # the next chunk has the rest of the table, or the lines with which the last ones stay
        if flows and sum(len(each.number) for each in gathered) < 4 * left:
            continue
        lines, rest = break_lines(gathered[0].joined(*gathered[1:]), metrics, begins=begins, final=not flows)
        gathered, left = ([rest], len(rest.number)) if rest is not None else ([], 0)
        if len(lines):
            yield lines
            begins = rest is None or bool(lines.flags[-1] & LAST)
    if gathered:
        yield break_lines(gathered[0].joined(*gathered[1:]), metrics, begins=begins, final=True)[0]


def lines_of_part(
    text: str, theta: Theta, shaper: Shaper, *, start: int = 0, end: int | None = None, line: int = 0
) -> Iterator[LineTable]:
    """Yield the lines of a part of a document that starts with a paragraph.

    Args:
        text: the document.
        theta: the rendering parameters.
        shaper: what is remembered.
        start, end: the characters of the part; None goes to the end of the document.
        line: source lines of the document before the part.
    """
    style = shaper.style(theta)
    end = len(text) if end is None else end
    around = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    segments = analysed(text[start:end], theta, style, shaper, offset=start, line=line, around=around)
    yield from set_lines(segments, theta, style, shaper)
