"""`Shaper`: the owner of what typesetting remembers: font stacks, the glyph store, word caches and analysed texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, TypeVar

from glyphrender._system import log
from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.fonts.stack import MOST_FALLBACKS, FontStack, font_stack
from glyphrender.rich.door import reading_of, with_markup
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.style import Style
from glyphrender.text.consumed import Consumption
from glyphrender.text.flow import Flow
from glyphrender.text.parts import PartSpan
from glyphrender.text.source import CHUNK
from glyphrender.theta import Direction, Emoji, Theta
from glyphrender.typeset.alone import AloneGlyphs
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import GlyphStore
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.style import MONOSPACED, Variant, WordStyle
from glyphrender.typeset.word_cache import WordCache

# A search over θ lays out the same few texts again and again, and most of a layout's time goes into analysing them. So
# this many texts are kept, with this many characters in all. A character of prose takes some 2 bytes beside the text.
_TEXTS: Final = 4
_CHARACTERS: Final = 16_000_000
# A character of Markdown whose markup was read takes so many bytes in all.
_MARKED_BYTES: Final = 12
# What layout knows of a character of rich text takes so many bytes: the drawn text, and its edits, runs and paragraphs.
_PREPARED_BYTES: Final = 8
# A font stack has a table of the face of every code point, 2.2 MB.
_STACK_BYTES: Final = 2_200_000
_STACKS: Final = 32
# The store keeps the font stacks of its styles alive, so a new one is begun when it has more styles than this.
_STYLES: Final = 32
_FURNITURE: Final = 64

_Fonts: TypeAlias = tuple[str, int, bool, str, tuple[str, ...], str, Emoji]
# What the analysis of a text depends on, beside its style: the base direction, what is consumed, and how it flows; in
# rich text, whether its blocks count.
_Reading: TypeAlias = tuple[Direction, Consumption, Flow] | tuple[Direction, Consumption, Flow, bool]
# A rich text, the base direction that θ imposes or None, whether newlines end no lines, and whether a CR overwrites.
_RichKey: TypeAlias = tuple[RichText, int | None, bool, bool]
P = TypeVar("P")
_TextKey: TypeAlias = tuple[str | RichText, WordStyle, _Reading]


class Shaper:
    """The memory of typesetting, within `max_bytes`: font stacks, the glyph store, word caches and analysed texts.

    All styles share one glyph store. When the store takes more than half of `max_bytes`, a new store and new word
    caches are begun; pages that are still held keep the old store. When all parts together take more than `max_bytes`,
    the styles used least recently are forgotten first, and then the texts.

    Several threads may use one shaper: what they share is written under one lock.
    """

    def __init__(self, *, max_bytes: int, chunk_size: int = CHUNK, lock: Any = None) -> None:
        self.max_bytes, self.chunk_size = max_bytes, chunk_size
        self._lock = lock or fork_safe_lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything. Pages that are still held keep what they need."""
        with self._lock:
            self.store = GlyphStore(self._lock)
            # The least recently used comes first. Not OrderedDict: an interrupt while two keys are compared breaks it.
            self._stacks: dict[_Fonts, FontStack] = {}
            self._words: dict[WordStyle, WordCache] = {}
            self._alone: dict[WordStyle, AloneGlyphs] = {}  # of word caches that a new store is to have
            self._furniture: dict[WordStyle, Furniture] = {}
            self._texts: dict[_TextKey, tuple[tuple[SegmentTable, ...], int]] = {}  # and their bytes
            self._marked: dict[tuple[str, tuple[PartSpan, ...], tuple[object, ...]], str | RichText] = {}
            self._prepared: tuple[_RichKey, Any] | None = None

    @property
    def nbytes(self) -> int:
        """An estimate of the memory of everything that is remembered, in bytes."""
        with self._lock:
            texts = sum(nbytes for _, nbytes in self._texts.values())
            texts += sum(_MARKED_BYTES * len(text) for text, *_ in self._marked)
            texts += _PREPARED_BYTES * len(self._prepared[0][0]) if self._prepared else 0
            words = sum(words.nbytes for words in self._words.values())
            # The store and the furniture refer to styles whose stacks may no longer be in `_stacks`.
            stacks = {id(stack) for stack in self._stacks.values()}
            stacks |= {id(style.stack) for style in (*self.store.styles, *self._furniture)}
            return self.store.nbytes + words + texts + _STACK_BYTES * len(stacks)

    @property
    def holds(self) -> dict[str, int]:
        """The numbers of font stacks, styles, words, segments and texts that are remembered.

        The ten separators (tabs, line ends and the empty word) count as words and as segments.
        """
        with self._lock:
            return {
                "font stacks": len(self._stacks),
                "styles": len(self._words),
                "words": sum(map(len, self._words.values())),
                "segments": self.store.segments,
                "texts": len(self._texts),
            }

    def style(
        self,
        theta: Theta,
        variant: Variant = Variant(),  # noqa: B008 -- frozen
        choice: Style | None = None,
    ) -> WordStyle:
        """Return the word style of `theta`, for paragraphs of one variant and a choice of rich text (`style.asked`).

        A family of rich text takes what it lacks from the fonts of `theta`. In a grid, cells have the width that
        `theta` gives them, so a span there has no family of its own.

        Raises:
            FontError: a font of `theta` cannot be used.
            DependencyError: `theta` asks for dictionary breaks, and icu4py is not installed.
        """
        plain = WordStyle.of(theta, self._stack(theta, variant), variant)
        if choice is None:
            return plain
        chosen = _chosen(theta, replace(choice, family=None) if plain.cell else choice)
        style = WordStyle.of(chosen, self._stack(chosen, variant), variant, choice)
        return replace(style, cell=plain.cell) if plain.cell else style

    def _stack(self, theta: Theta, variant: Variant) -> FontStack:
        """Return the font stack of `theta`; it is loaded if it is not remembered."""
        family, axes, fallback = theta.font, theta.font_axes, theta.fallback
        if variant.box_drawing and not self._stack(theta, Variant()).primary.is_monospaced:
            family, axes, fallback = MONOSPACED, "", (theta.font, *theta.fallback)[:MOST_FALLBACKS]
        language = variant.han or theta.language
        key = (family, theta.font_weight, theta.font_italic, axes, fallback, language, theta.emoji)
        with self._lock:
            stack = self._stacks.get(key)
            if stack is None:
                emoji: Literal["mono", "color"] = "color" if theta.emoji is Emoji.COLOR else "mono"
                stack = font_stack(
                    family,
                    weight=theta.font_weight,
                    italic=theta.font_italic,
                    axes=axes,
                    fallback=fallback,
                    language=language,
                    emoji=emoji,
                )
                primary = stack.primary
                log.info(__name__, "font %s weight %s: %s", theta.font, theta.font_weight, primary.path)
                self._stacks[key] = stack
                if len(self._stacks) > _STACKS:
                    del self._stacks[next(iter(self._stacks))]
            self._stacks[key] = self._stacks.pop(key)
            return stack

    def words(self, style: WordStyle) -> WordCache:
        """Return the word cache of `style`, having made room for new words."""
        return self.caches([style])[0]

    def caches(self, styles: Sequence[WordStyle]) -> list[WordCache]:
        """Return the word caches of `styles`, which share one store, having made room for new words."""
        with self._lock:
            self._make_room(styles)
            for style in styles:
                cache = self._words.pop(style, None)
                alone = self._alone.pop(style, None)
                self._words[style] = cache or WordCache(style, self.store, self._lock, alone)
            return [self._words[style] for style in styles]

    def furniture(self, style: WordStyle) -> Furniture:
        """Return the shaper of page furniture of `style`."""
        with self._lock:
            furniture = self._furniture.get(style)
            if furniture is None:
                furniture = self._furniture[style] = Furniture(style)
                if len(self._furniture) > _FURNITURE:
                    del self._furniture[next(iter(self._furniture))]
            return furniture

    def marked(self, text: str, theta: Theta, parts: Sequence[PartSpan]) -> str | RichText:
        """Return `text` with the styles that its markup asks for (`with_markup`), which is read once for several θ."""
        key = text, tuple(parts), reading_of(theta)
        with self._lock:
            if key in self._marked:
                self._marked[key] = self._marked.pop(key)
                return self._marked[key]
        found = with_markup(text, theta, parts)
        with self._lock:
            self._marked[key] = found
            while len(self._marked) > _TEXTS or sum(len(each[0]) for each in self._marked) > _CHARACTERS:
                del self._marked[next(iter(self._marked))]
        return found

    def prepared(self, key: _RichKey, made: Callable[[], P]) -> P:
        """Return what layout has to know of a rich text: what `made` returns. Only the last answer is remembered."""
        with self._lock:
            if self._prepared is not None and self._prepared[0] == key:
                known: P = self._prepared[1]
                return known
        found = made()
        if len(key[0]) <= _CHARACTERS:
            with self._lock:
                self._prepared = key, found
        return found

    def remembered(
        self,
        text: str | RichText,
        style: WordStyle,
        reading: _Reading,
        analysed: Callable[[], Iterator[SegmentTable]],
    ) -> Iterable[SegmentTable]:
        """Return the segments of `text`: the remembered ones, or else those that `analysed` yields.

        New segments are remembered once the caller has taken all of them. They are the same for every θ of equal style
        and reading, whatever its sizes.
        """
        key = (text, style, reading)
        with self._lock:
            if key in self._texts:
                self._texts[key] = self._texts.pop(key)
                return self._texts[key][0]
        return self._noted(key, analysed()) if len(text) <= _CHARACTERS else analysed()

    def _noted(self, key: _TextKey, analysed: Iterator[SegmentTable]) -> Iterator[SegmentTable]:
        """Yield the tables of `analysed`, and remember them once all were taken."""
        tables: list[SegmentTable] = []
        for table in analysed:
            tables.append(table)
            yield table
        with self._lock:
            # If a new store was begun meanwhile, the text is not remembered: it would keep the old store alive.
            if all(table.store is self.store for table in tables):
                self._texts[key] = tuple(tables), sum(table.nbytes for table in tables)
            while len(self._texts) > _TEXTS or sum(len(text) for text, _, _ in self._texts) > _CHARACTERS:
                del self._texts[next(iter(self._texts))]

    def _make_room(self, styles: Sequence[WordStyle]) -> None:
        """Forget what was used least recently, as far as needed, but not the fonts of `styles`."""
        wanted = set(styles)
        new = len(self.store.styles) > _STYLES and not self._words.keys() >= wanted
        if self.store.nbytes > self.max_bytes // 2 or new:
            self._begin_store(styles)
        while self.nbytes > self.max_bytes:
            oldest = next((other for other in self._words if other not in wanted), None)
            if oldest is not None:
                del self._words[oldest]
            elif self._texts:
                del self._texts[next(iter(self._texts))]
            elif self._marked:
                del self._marked[next(iter(self._marked))]
            elif self._prepared is not None:
                self._prepared = None
            else:
                # The store refers to its styles, and they to their fonts: they go together.
                if len(self.store.styles) > len(wanted) or len(self._stacks) > len(wanted):
                    self._begin_store(styles)
                return

    def _begin_store(self, styles: Sequence[WordStyle]) -> None:
        """Begin a new store; forget all words and texts, and all fonts but those of `styles`."""
        log.info(__name__, "the glyph store holds %.0f MB and is begun anew", self.store.nbytes / 1e6)
        # Glyphs of single characters are no part of the store, and most of a text in many scripts.
        kept_alone = {style: self._words[style].alone for style in styles if style in self._words}
        few = sum(alone.nbytes for alone in kept_alone.values()) < self.max_bytes // 16
        self._alone = kept_alone if few else {}
        self.store = GlyphStore(self._lock)
        self._words.clear()
        self._texts.clear()
        self._furniture.clear()
        kept = {id(style.stack) for style in styles}
        self._stacks = {key: stack for key, stack in self._stacks.items() if id(stack) in kept}


@lru_cache(maxsize=128)
def _chosen(theta: Theta, choice: Style) -> Theta:
    """Return `theta` with the weight, the slope and the family of a choice of rich text."""
    own: dict[str, Any] = {"font_weight": choice.weight, "font_italic": choice.italic}
    if choice.family is not None:
        fallback = (theta.font, *theta.fallback)[:MOST_FALLBACKS]
        own |= {"font": choice.family, "font_axes": "", "fallback": fallback}
    return theta.replace(**{name: value for name, value in own.items() if value is not None})
