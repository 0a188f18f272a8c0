"""Text made shorter to a budget of tokens: cut in the middle, or passages found by BM25. The honest baselines of pages.

A budget is kept exactly by the tokenizer that counts it. No separator is added in the middle, as LongBench's own
truncation adds none (THUDM/LongBench, `LongBench/pred.py`, commit 2e00731).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glyphrender.errors import DependencyError

__all__ = ["Passage", "cut_in_the_middle", "passages", "retrieved"]

# Characters of a passage, about 200 words of English: LongBench's retrieval baseline has passages of 200 words. A small
# budget gets shorter ones, so that some ten fit and little of the budget is left over.
_PASSAGE: Final = 1_000
_SHORTEST_PASSAGE: Final = 200
# A passage may end after a newline, or after the end of a sentence.
_ENDS: Final = re.compile(r"\n+|(?<=[.!?])[ \t]+|(?<=[。！？])")
# Words of letters and digits; every ideograph is a word of its own, as is each kana.
_WORDS: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_TRIES: Final = 40


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one of several texts.

    Attributes:
        text: number of the text.
        start, end: its characters.
    """

    text: int
    start: int
    end: int


def cut_in_the_middle(text: str, budget: int, count: Callable[[str], int]) -> str:
    """Return the beginning and the end of `text`, each with half of `budget` tokens; all of it if it fits.

    >>> cut_in_the_middle("0123456789", 4, len)
    '0189'

    Args:
        text: the text.
        budget: most tokens.
        count: text → tokens.
    """
    if count(text) <= budget:
        return text
    first = _longest(len(text), budget - budget // 2, lambda size: count(text[:size]))
    last = _longest(len(text) - first, budget // 2, lambda size: count(text[len(text) - size :]))
    return text[:first] + text[len(text) - last :]


def passages(texts: Sequence[str], *, size: int = _PASSAGE) -> Iterator[Passage]:
    """Yield the passages of texts, in order. Together they are the texts, without a character lost.

    A passage has up to `size` characters and ends at the end of a line or sentence, or at a space where none is near.

    >>> [(each.start, each.end) for each in passages(["One. Two. Three."], size=10)]
    [(0, 10), (10, 16)]
    """
    for number, text in enumerate(texts):
        start = last = 0
        for end in _breaks(text, size):
            if end - start > size and last > start:
                yield Passage(number, start, last)
                start = last
            last = end
        if last > start:
            yield Passage(number, start, last)


def retrieved(texts: Sequence[str], query: str, budget: int, count: Callable[[str], int]) -> list[str]:
    """Return what is left of each text when the passages that fit `query` best fill `budget` tokens, in their order.

    Passages are ranked together over all texts by BM25 (the package bm25s, Lù 2024, with its defaults k1 = 1.5 and
    b = 0.75). Passages that do not follow each other are separated by an empty line. A text that fits whole stays
    whole.

    Args:
        texts: the texts.
        query: the question.
        budget: most tokens of all that is left.
        count: text → tokens.

    Raises:
        DependencyError: the package bm25s is not installed.
    """
    whole = sum(map(count, texts))
    if whole <= budget:
        return list(texts)
    characters = budget * sum(map(len, texts)) // whole
    found = list(passages(texts, size=min(_PASSAGE, max(_SHORTEST_PASSAGE, characters // 10))))
    scores = _scores([texts[each.text][each.start : each.end] for each in found], query)
    order = sorted(range(len(found)), key=lambda index: (-scores[index], index))
    chosen: list[int] = []
    left = budget
    for index in order:
        each = found[index]
        cost = count(texts[each.text][each.start : each.end]) + 1  # the empty line
        if cost <= left:
            chosen.append(index)
            left -= cost
        elif left < 16:
            break
    if not chosen:  # a small budget: the beginning of the best passage
        best = found[order[0]]
        end = best.start + _longest(
            best.end - best.start, budget, lambda size: count(texts[best.text][best.start :][:size])
        )
        return _joined(texts, [Passage(best.text, best.start, end)])
    kept = _joined(texts, [found[index] for index in sorted(chosen)])
    while chosen and sum(map(count, kept)) > budget:  # a tokenizer may need more for texts side by side
        chosen.pop()
        kept = _joined(texts, [found[index] for index in sorted(chosen)])
    return kept


def _longest(size: int, budget: int, count: Callable[[int], int]) -> int:
    """Return the largest number of characters that has at most `budget` tokens, to within a few tokens."""
    low, low_count, high, high_count = 0, 0, size, count(size)
    if high_count <= budget:
        return size
    for _ in range(_TRIES):
        if high - low <= 1 or low_count == budget:
            break
        guess = low + round((budget - low_count) * (high - low) / max(1, high_count - low_count))
        guess = min(max(guess, low + 1), high - 1)
        found = count(guess)
        if found <= budget:
            low, low_count = guess, found
        else:
            high, high_count = guess, found
    return low


def _breaks(text: str, size: int) -> Iterator[int]:
    """Yield the places where a passage may end, the end of the text included."""
    start = 0
    for found in _ENDS.finditer(text):
        yield from _spaces(text, start, found.end(), size)
        start = found.end()
        yield start
    yield from _spaces(text, start, len(text), size)
    yield len(text)


def _spaces(text: str, start: int, end: int, size: int) -> Iterator[int]:
    """Yield places in a stretch that is longer than a passage: after spaces, or anywhere if there is none."""
    while end - start > size:
        space = text.rfind(" ", start + 1, start + size)
        start = space + 1 if space > start else start + size
        yield start


def _scores(texts: Sequence[str], query: str) -> list[float]:
    try:
        import bm25s
    except ImportError as error:
        raise DependencyError.of(error, "passages need the package bm25s", extra="evals") from error
    corpus = [_words(text) for text in texts]
    words = set(_words(query)).intersection(*[set().union(*corpus)])
    if not words:
        return [0.0] * len(texts)
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    scores: list[float] = index.get_scores(sorted(words)).tolist()
    return scores


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())


def _joined(texts: Sequence[str], chosen: Sequence[Passage]) -> list[str]:
    kept = [""] * len(texts)
    ends = [0] * len(texts)
    for each in chosen:
        gap = "\n\n" if kept[each.text] and ends[each.text] != each.start else ""
        kept[each.text] += gap + texts[each.text][each.start : each.end]
        ends[each.text] = each.end
    return kept
