"""Scores over stemmed words: ROUGE-L as the package rouge-score computes it, and the F1 of LoCoMo.

The stemmer is NLTK's, because both official scripts use it and its rules differ from Porter's own. The longest common
subsequence is counted by rapidfuzz: equal numbers, in a thousandth of the time of a table in Python.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache
from typing import Any, Final

from glyphrender.errors import DependencyError
from glyphrender.evals.metrics import f1, f1_of_words

__all__ = ["stemmed_f1", "stemmed_f1_of_parts", "stemmed_rouge_l"]

_NOT_ALPHANUMERIC: Final = re.compile("[^a-z0-9]+")
_ARTICLES: Final = re.compile(r"\b(a|an|the|and)\b")
_WITHOUT_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
# A reply repeats few words, and the stemmer takes 20 µs a word.
_REMEMBERED: Final = 1 << 14


def stemmed_rouge_l(reply: str, reference: str) -> float:
    """Return the F-measure of ROUGE-L, as `RougeScorer(["rougeL"], use_stemmer=True)` of rouge-score 0.1.2 gives it.

    Words are runs of a–z and 0–9 in the lower-cased text; words of more than three characters are stemmed. So a text in
    another script has no words, and its score is 0.

    >>> stemmed_rouge_l("He was running home.", "she ran, running home")
    0.5

    Raises:
        DependencyError: nltk or rapidfuzz is not installed.
    """
    given, wanted = _alphanumeric_stems(reply), _alphanumeric_stems(reference)
    if not given or not wanted:
        return 0.0
    return f1(_common_subsequence(given, wanted), len(given), len(wanted))


def stemmed_f1(reply: str, answer: str, *, decomposed: bool = False) -> float:
    """Return the F1 score of stemmed words as LoCoMo's `f1_score` counts it (task_eval/evaluation.py @ 3eb6f2c).

    Punctuation of ASCII and the words a, an, the and "and" are left out. Order does not count; repetition does.

    Args:
        reply: the reply.
        answer: the right answer.
        decomposed: bring both to NFD first, as evalscope 1.14.1 does.

    >>> stemmed_f1("the red, running dogs", "a red dog runs")
    1.0

    Raises:
        DependencyError: nltk is not installed.
    """
    return f1_of_words(_content_stems(reply, decomposed), _content_stems(answer, decomposed))


def stemmed_f1_of_parts(reply: str, answer: str, *, decomposed: bool = False) -> float:
    """Return the mean, over the parts of `answer` between commas, of the best `stemmed_f1` of a part of `reply`.

    This is LoCoMo's `f1` for questions with several hops (task_eval/evaluation.py @ 3eb6f2c). For `decomposed` see
    `stemmed_f1`.

    >>> stemmed_f1_of_parts("pottery, hiking", "camping, pottery")
    0.5

    Raises:
        DependencyError: nltk is not installed.
    """
    given = [part.strip() for part in reply.split(",")]
    wanted = [part.strip() for part in answer.split(",")]
    return sum(max(stemmed_f1(each, part, decomposed=decomposed) for each in given) for part in wanted) / len(wanted)


def _alphanumeric_stems(text: str) -> list[str]:
    words = _NOT_ALPHANUMERIC.sub(" ", text.lower()).split()
    return [_stem(word) if len(word) > 3 else word for word in words]


def _content_stems(text: str, decomposed: bool) -> list[str]:
    if decomposed:
        text = unicodedata.normalize("NFD", text)
    plain = text.replace(",", "").lower().translate(_WITHOUT_PUNCTUATION)
    # evalscope uses re here, and the official script regex.
    return [_stem(word) for word in (_ARTICLES if decomposed else _articles()).sub(" ", plain).split()]


@lru_cache(maxsize=1)
def _articles() -> Any:
    try:
        import regex  # its \b differs from that of re beside combining marks, and the official script uses it
    except ImportError as error:
        raise DependencyError.of(error, "the score needs the package regex", extra="evals") from error
    return regex.compile(_ARTICLES.pattern)


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    stem: str = _stemmer().stem(word)
    return stem


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    try:
        from nltk.stem.porter import PorterStemmer
    except ImportError as error:
        raise DependencyError.of(error, "the score needs the package nltk", extra="evals") from error
    return PorterStemmer()


def _common_subsequence(first: list[str], second: list[str]) -> int:
    try:
        from rapidfuzz.distance import LCSseq
    except ImportError as error:
        raise DependencyError.of(error, "the score needs the package rapidfuzz", extra="evals") from error
    return LCSseq.similarity(first, second)
