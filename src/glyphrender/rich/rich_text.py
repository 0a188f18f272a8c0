"""`RichText`: a source, the styles of its parts, and what its markup hides or replaces.

The source is what was read, and pages account for each of its characters. Markup that styles stand for is *consumed*:
it stays in the source and is not drawn. Other characters are *replaced*: `&amp;` is drawn as `&`, or a newline as a
space. A rich text is a value. It keeps its spans as columns, because a megabyte of highlighted code has some 250,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import DataError, shown
from glyphrender.rich import stretches
from glyphrender.rich.flat import Offsets, Runs, flat_runs
from glyphrender.rich.spans import BlockSpan, Replaced, StyleSpan
from glyphrender.rich.style import BlockStyle, Style
from glyphrender.rich.table import Table, checked_tables


class RichText:
    """A source, and how its parts are drawn.

    Spans may nest or overlap; a later span is inside an earlier one. Offsets are characters of `source`.

    Args:
        source: the characters that were read.
        spans: (start, end, style) of characters.
        blocks: (start, end, style) of paragraphs.
        consumed: (start, end) of what is not drawn.
        replaced: (start, end, text) of what is drawn as another text.
        tables: the tables, which rise and do not overlap.

    Raises:
        DataError: an offset lies outside the source, two replaced or consumed stretches overlap, or a value has
            another type.

    >>> text = RichText("a **bold** word", [(4, 8, Style(weight=700))], consumed=[(2, 4), (8, 10)])
    >>> text.drawn
    'a bold word'
    """

    def __init__(
        self,
        source: str,
        spans: Iterable[tuple[int, int, Style]] = (),
        *,
        blocks: Iterable[tuple[int, int, BlockStyle]] = (),
        consumed: Iterable[tuple[int, int]] | NDArray[Any] = (),
        replaced: Iterable[tuple[int, int, str]] = (),
        tables: Iterable[Table] = (),
    ) -> None:
        rows = stretches.rows("spans", spans, 3)
        number: dict[int, int] = {}
        styles: list[Style] = []
        for _, _, style in rows:
            if id(style) not in number:
                if not isinstance(style, Style):
                    raise DataError(f"spans have {shown(style)} where a Style must be. Pass (start, end, Style(…)).")
                number[id(style)] = len(styles)
                styles.append(style)
        columns = np.array([number[id(style)] for _, _, style in rows], np.intp)
        self._set(
            source,
            [row[0] for row in rows],
            [row[1] for row in rows],
            columns,
            tuple(styles),
            blocks,
            consumed,
            replaced,
            tables,
        )

    @classmethod
    def of_columns(
        cls,
        source: str,
        start: NDArray[Any] | Sequence[int],
        end: NDArray[Any] | Sequence[int],
        style: NDArray[Any] | Sequence[int],
        styles: Sequence[Style],
        *,
        blocks: Iterable[tuple[int, int, BlockStyle]] = (),
        consumed: Iterable[tuple[int, int]] | NDArray[Any] = (),
        replaced: Iterable[tuple[int, int, str]] = (),
        tables: Iterable[Table] = (),
    ) -> RichText:
        """Return the rich text whose spans are columns; this is the fast way for many spans.

        Args:
            source: the characters.
            start, end: [s] the first character of each span, and the character after its last.
            style: [s] the style of each span, as a place in `styles`.
            styles: the styles.
            blocks, consumed, replaced, tables: as for `RichText`.

        >>> RichText.of_columns("if x", [0], [2], [0], [Style(weight=700)]).spans
        (StyleSpan(start=0, end=2, style=Style(weight=700)),)
        """
        new = cls.__new__(cls)
        if isinstance(styles, str | bytes) or not isinstance(styles, Iterable):
            raise DataError(f"styles are {shown(styles)}, not a list of styles. Pass [Style(…), …].")
        styles = tuple(styles)
        for each in styles:
            if not isinstance(each, Style):
                raise DataError(f"styles have {shown(each)} where a Style must be.")
        new._set(source, start, end, style, styles, blocks, consumed, replaced, tables)
        return new

    @classmethod
    def of(cls, text: str | RichText) -> RichText:
        """Return `text` as rich text; a str has no styles.

        Raises:
            DataError: `text` is neither.
        """
        if isinstance(text, RichText):
            return text
        return cls(text)

    def _set(
        self,
        source: str,
        start: Any,
        end: Any,
        style: Any,
        styles: tuple[Style, ...],
        blocks: Iterable[tuple[int, int, BlockStyle]],
        consumed: Any,
        replaced: Iterable[tuple[int, int, str]],
        tables: Iterable[Table],
    ) -> None:
        if not isinstance(source, str):
            raise DataError(f"source is {type(source).__name__}, not str. Pass the text that spans refer to.")
        self._source = source
        self._styles = styles
        numbers = stretches.offsets("styles of spans", style)
        self._spans = (*stretches.stretches("spans", start, end, len(source)), numbers.astype(np.intp))
        if len(numbers) != len(self._spans[0]) or (
            len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(styles)
        ):
            raise DataError(f"styles of spans must be one number below {len(styles)} for each of the spans.")
        rows = stretches.rows("blocks", blocks, 3)
        for *_, each in rows:
            if not isinstance(each, BlockStyle):
                raise DataError(f"blocks have {shown(each)} where a BlockStyle must be.")
        lo, hi = stretches.stretches("blocks", [row[0] for row in rows], [row[1] for row in rows], len(source))
        self._blocks = tuple(map(BlockSpan, lo.tolist(), hi.tolist(), (row[2] for row in rows)))
        self._consumed = stretches.consumed(consumed, len(source))
        self._replaced, self._replaced_texts = stretches.replaced(replaced, len(source))
        stretches.check_apart(self._consumed, self._replaced)
        self._tables = checked_tables(tables, len(source))

    # -- what it holds -----------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The characters that were read."""
        return self._source

    @property
    def spans(self) -> tuple[StyleSpan, ...]:
        """The spans, as they were given."""
        start, end, style = (column.tolist() for column in self._spans)
        return tuple(map(StyleSpan, start, end, map(self._styles.__getitem__, style)))

    @property
    def blocks(self) -> tuple[BlockSpan, ...]:
        """The blocks, as they were given."""
        return self._blocks

    @property
    def consumed(self) -> tuple[tuple[int, int], ...]:
        """The stretches that are not drawn; they rise, and those that overlap are one."""
        return tuple((start, end) for start, end in self._consumed.tolist())

    @property
    def replaced(self) -> tuple[Replaced, ...]:
        """The stretches that are drawn as another text; they rise."""
        return tuple(
            Replaced(lo, hi, text) for (lo, hi), text in zip(self._replaced.tolist(), self._replaced_texts, strict=True)
        )

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, which rise."""
        return self._tables

    @property
    def is_plain(self) -> bool:
        """Whether pages draw the source as it is: nothing is styled, consumed or replaced."""
        return not (len(self._spans[0]) or self._blocks or len(self._consumed) or len(self._replaced) or self._tables)

    @cached_property
    def drawn(self) -> str:
        """The text that pages show: what is consumed is left out, and what is replaced is another text.

        >>> RichText("a&lt;b", replaced=[(1, 5, "<")]).drawn
        'a<b'
        """
        edges, texts = self.edits()
        pieces: list[str] = []
        at = 0
        for (start, end), text in zip(edges.tolist(), texts, strict=True):
            pieces += (self.source[at:start], text)
            at = end
        return "".join([*pieces, self.source[at:]]) if pieces else self.source

    def edits(self) -> tuple[Offsets, list[str]]:
        """Return ([e, 2] the stretches that are not drawn as they are, what is drawn for each); they rise."""
        if not len(self._replaced):
            return self._consumed, [""] * len(self._consumed)
        edges = np.concatenate([self._consumed, self._replaced])
        texts = [""] * len(self._consumed) + list(self._replaced_texts)
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        return edges[order], [texts[at] for at in order.tolist()]

    @cached_property
    def _flat(self) -> tuple[Runs, tuple[Style, ...]]:
        return flat_runs(len(self.source), *self._spans, self._styles)

    def runs(self) -> tuple[Runs, tuple[Style, ...]]:
        """Return (runs of one style that cover the source, the styles that they number; the first is `Style()`)."""
        return self._flat

    # -- as a value --------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"<RichText: {len(self.source)} characters, {len(self._spans[0])} spans, {len(self._blocks)} blocks>"

    def _key(self) -> tuple[Any, ...]:
        columns = tuple(column.tobytes() for column in (*self._spans, self._consumed, self._replaced))
        return self.source, columns, self._styles, self._blocks, self._replaced_texts, self._tables

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RichText):
            return NotImplemented
        return self is other or (hash(self) == hash(other) and self._key() == other._key())

    @cached_property
    def _hash(self) -> int:
        return hash(self._key())

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (
            self.source, *self._spans, self._styles, self._blocks, self._consumed, self.replaced, self._tables
        )  # fmt: skip

    # -- made of others ----------------------------------------------------------------------------

    def __add__(self, other: str | RichText) -> RichText:
        return RichText.joined([self, other])

    def __radd__(self, other: str) -> RichText:
        return RichText.joined([other, self])

    @classmethod
    def joined(cls, parts: Iterable[str | RichText], separator: str = "") -> RichText:
        """Return the parts one after the other, with `separator` between them.

        >>> RichText.joined(["a ", RichText("b", [(0, 1, Style(italic=True))])]).spans
        (StyleSpan(start=2, end=3, style=Style(italic=True)),)

        Raises:
            DataError: a part is neither str nor RichText.
        """
        if isinstance(parts, str | bytes) or not isinstance(parts, Iterable) or not isinstance(separator, str):
            raise DataError("Rich texts are joined as RichText.joined([text, …], separator), the separator being str.")
        found = [cls.of(part) for part in parts]
        sources = [part.source for part in found]
        at = np.cumsum([0, *(len(source) + len(separator) for source in sources)], dtype=np.int64).tolist()
        first_style = np.cumsum([0, *(len(part._styles) for part in found)], dtype=np.intp).tolist()
        moved = list(zip(found, at, first_style, strict=False))
        return cls.of_columns(
            separator.join(sources),
            np.concatenate([np.zeros(0, np.int64), *(part._spans[0] + by for part, by, _ in moved)]),
            np.concatenate([np.zeros(0, np.int64), *(part._spans[1] + by for part, by, _ in moved)]),
            np.concatenate([np.zeros(0, np.intp), *(part._spans[2] + first for part, _, first in moved)]),
            [style for part in found for style in part._styles],
            blocks=[(lo + by, hi + by, style) for part, by, _ in moved for lo, hi, style in part._blocks],
            consumed=np.concatenate([np.zeros((0, 2), np.int64), *(part._consumed + by for part, by, _ in moved)]),
            replaced=[(lo + by, hi + by, text) for part, by, _ in moved for lo, hi, text in part.replaced],
            tables=[table.moved(by) for part, by, _ in moved for table in part._tables],
        )

    def __getitem__(self, part: slice) -> RichText:
        """Return characters `start` to `stop - 1` of the source, with what spans and blocks say of them.

        A stretch that is replaced belongs to the part in which it begins, and is not cut in two.

        Raises:
            DataError: the slice has a step, or cuts a stretch that is replaced.
        """
        try:
            lo, hi, step = part.indices(len(self.source))
        except (AttributeError, TypeError, ValueError):
            step = 0
        if step != 1:
            raise DataError(f"A rich text is sliced as text[start:stop], by whole numbers, not by {shown(part)}.")
        hi = max(lo, hi)
        start, end = (np.clip(column, lo, hi) - lo for column in self._spans[:2])
        kept = start < end
        consumed = np.clip(self._consumed, lo, hi) - lo
        replaced = []
        for at, (begin, stop) in enumerate(self._replaced.tolist()):
            if (begin < lo and stop <= lo) or (begin >= hi and not begin == stop == hi == len(self.source)):
                continue
            if begin < lo or stop > hi:
                raise DataError(f"text[{lo}:{hi}] cuts the replaced characters {begin} to {stop}. Cut beside them.")
            replaced.append((begin - lo, stop - lo, self._replaced_texts[at]))
        return RichText.of_columns(
            self.source[lo:hi],
            start[kept],
            end[kept],
            self._spans[2][kept],
            self._styles,
            blocks=[
                (max(begin, lo) - lo, min(stop, hi) - lo, style)
                for begin, stop, style in self._blocks
                if begin < hi and stop > lo
            ],
            consumed=consumed[consumed[:, 0] < consumed[:, 1]],
            replaced=replaced,
            tables=[left.moved(-lo) for table in self._tables if (left := table.part(lo, hi)) is not None],
        )

    def cut_before(self, at: int) -> int:
        """Return the last place up to character `at` at which the text can be sliced: not inside what is replaced.

        >>> RichText("a&amp;b", replaced=[(1, 6, "&")]).cut_before(4)
        1
        """
        at = max(0, min(at, len(self.source)))
        inside = np.flatnonzero((self._replaced[:, 0] < at) & (self._replaced[:, 1] > at))
        return int(self._replaced[inside[0], 0]) if len(inside) else at

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the source and of all that is said of it; the same on every machine."""
        source, columns, *values = self._key()
        digest = hashlib.sha256(source.encode("utf-8", "surrogatepass"))
        for column in columns:
            digest.update(column)
        digest.update(repr(values).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def styled(self, style: Style, start: int = 0, end: int | None = None) -> RichText:
        """Return this text with one more span, inside those it has: characters `start` to `end - 1`.

        >>> RichText("ab").styled(Style(italic=True), 1).spans
        (StyleSpan(start=1, end=2, style=Style(italic=True)),)
        """
        return RichText(
            self.source,
            [*self.spans, (start, len(self.source) if end is None else end, style)],
            blocks=self._blocks,
            consumed=self._consumed,
            replaced=self.replaced,
            tables=self._tables,
        )


def drawn_of(text: str | RichText) -> str:
    """Return the text that pages show of `text`.

    >>> drawn_of("a"), drawn_of(RichText("*a*", consumed=[(0, 1), (2, 3)]))
    ('a', 'a')
    """
    return text.drawn if isinstance(text, RichText) else text


def source_of(text: str | RichText) -> str:
    """Return the characters that were read.

    >>> source_of("a"), source_of(RichText("*a*", consumed=[(0, 1), (2, 3)]))
    ('a', '*a*')
    """
    return text.source if isinstance(text, RichText) else text


def _rebuilt(
    source: str, start: Any, end: Any, style: Any, styles: Any, blocks: Any, consumed: Any, replaced: Any, tables: Any
) -> RichText:
    return RichText.of_columns(
        source, start, end, style, styles, blocks=blocks, consumed=consumed, replaced=replaced, tables=tables
    )
