"""Measures of how right a reply is, as plain functions of a reply and the right answers.

Every measure is a float from 0 to 1. A right reply has 1, except that `character_error_rate` is 0 for a right reply. If
several answers are right, the one that fits the reply best is used. Pass `answers.final_answer(reply)` to leave out a
model's thoughts.

Text is compared after `normalized` or `comparable`; each docstring says which.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from glyphrender._system.arguments import NUMBER, TEXT, TEXT_OR_TEXTS, TEXTS, demand
from glyphrender.ocr.comparison import comparable, edit_distance

__all__ = [
    "Answers",
    "character_error_rate",
    "commits_to",
    "contains",
    "copy_similarity",
    "exact",
    "levenshtein_similarity",
    "normalized",
    "number_match",
    "token_f1",
    "verbatim",
]

#: One right answer, or several answers, each of which is right.
Answers: TypeAlias = str | Sequence[str]

# A right reply may have this many characters more than the answer. "The code is 7GX2." is right; a list of all codes is
# not.
_MOST_BEYOND: Final = 120
_NUMBER: Final = re.compile(r"(?:(?<![\w.])[-+])?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")


def exact(reply: str, answers: Answers) -> float:
    """Return 1.0 if `reply` equals one of `answers` after `normalized`, else 0.0.

    >>> exact("**Paris**.", ["paris", "Paris, France"]), exact("Paris or Rome", "Paris")
    (1.0, 0.0)
    """
    given = normalized(reply)
    return float(any(given == normalized(answer) for answer in _listed(answers)))


def verbatim(reply: str, answers: Answers) -> float:
    """Return 1.0 if `reply` equals one of `answers`, character by character, else 0.0. Outer white space is left out.

    >>> verbatim("Paris ", "Paris"), verbatim("paris", "Paris")
    (1.0, 0.0)
    """
    demand("reply", reply, TEXT)
    return float(any(reply.strip() == answer.strip() for answer in _listed(answers)))


def contains(reply: str, answers: Answers) -> float:
    """Return the share of `answers` that `reply` contains as whole words, after `normalized`.

    This is the string match of RULER: if there are several needles, all must be found. An ideograph is a word of its
    own.

    >>> contains("The keys are 11 and 27.", ["11", "27", "35", "7"])
    0.5
    """
    given, wanted = normalized(reply), [normalized(answer) for answer in _listed(answers)]
    return sum(_stands_in(given, answer) for answer in wanted) / max(1, len(wanted))


def commits_to(reply: str, answers: Answers, *, decoys: Iterable[str] = ()) -> float:
    """Return 1.0 if `reply` names one of `answers` and little else, else 0.0.

    A right reply contains an answer as whole words after `normalized`. It is at most 120 characters longer than the
    answer, and contains none of `decoys`. So a reply that lists all possible answers is wrong.

    >>> commits_to("The code is 7GX2, as the note says.", "7gx2"), commits_to("7GX2 or 9KD4", "7GX2", decoys=["9KD4"])
    (1.0, 0.0)
    """
    given = normalized(reply)
    right = any(_names(given, normalized(answer)) for answer in _listed(answers))
    demand("decoys", decoys, TEXTS)
    return float(right and not any(_names(given, normalized(decoy)) for decoy in decoys))


def token_f1(reply: str, answers: Answers) -> float:
    """Return the best F1 score of the words of `reply` against the words of an answer, after `normalized`.

    F1 = 2·P·R / (P + R), where P is the share of the reply's words that are in the answer, and R is the share of the
    answer's words that are in the reply. A repeated word counts as often as it occurs in both, as in SQuAD. Punctuation
    around a word is left out. An ideograph is a word of its own.

    >>> round(token_f1("in the red house", "the red house"), 3)
    0.857
    """
    demand("reply", reply, TEXT)
    return max((_f1(_words(reply), _words(answer)) for answer in _listed(answers)), default=0.0)


def character_error_rate(reply: str, answers: Answers) -> float:
    """Return the character error rate of a copy: edit distance / characters of the true text, at most 1.

    Both texts go through `comparable`: white space does not count. 0.0 is a perfect copy.

    >>> character_error_rate("a b c d e f g i", "abcd efgh")
    0.125

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    demand("reply", reply, TEXT)
    given = comparable(reply)
    truths = [comparable(answer) for answer in _listed(answers)]
    return min((min(1.0, edit_distance(true, given) / max(1, len(true))) for true in truths), default=1.0)


def copy_similarity(reply: str, answers: Answers) -> float:
    """Return how well `reply` copies a text: 1 − edit distance / length of the longer text, after NFKC.

    Case and punctuation count. So do spaces, because a copy without them must not be worth as much; but each run of
    white space counts as one space, because pages break lines elsewhere.

    >>> copy_similarity("the  Red\\nhouse", "the Red house"), copy_similarity("theredhouse", "the Red house")
    (1.0, 0.7692307692307692)

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    demand("reply", reply, TEXT)
    given, *wanted = (" ".join(unicodedata.normalize("NFKC", text).split()) for text in (reply, *_listed(answers)))
    return max((1 - edit_distance(given, true) / max(1, len(given), len(true)) for true in wanted), default=0.0)


def levenshtein_similarity(reply: str, answers: Answers) -> float:
    """Return 1 − edit distance / length of the longer text, for `reply` and its best answer, after `normalized`.

    >>> levenshtein_similarity("Jane Austin", "Jane Austen")
    0.9090909090909091

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    given = normalized(reply)
    wanted = [normalized(answer) for answer in _listed(answers)]
    return max((1 - edit_distance(given, true) / max(1, len(given), len(true)) for true in wanted), default=0.0)


def number_match(reply: str, answers: Answers, *, tolerance: float = 0.0) -> float:
    """Return 1.0 if the last number in `reply` is one of `answers`, else 0.0.

    Commas between digits are left out: "1,234.50" is 1234.5. An answer that is no number matches nothing.

    Args:
        reply: text with a number. The text around the number does not count.
        answers: the right numbers, as text.
        tolerance: largest allowed difference, as a share of the right number.

    >>> number_match("12 boxes hold 1,234.50 kg", "1234.5"), number_match("98.6", "100", tolerance=0.05)
    (1.0, 1.0)
    """
    demand("reply", reply, TEXT)
    demand("tolerance", tolerance, NUMBER)
    given = _last_number(reply)
    if given is None:
        return 0.0
    numbers = [number for number in map(_last_number, _listed(answers)) if number is not None]
    return float(any(given == right or abs(given - right) <= tolerance * abs(right) for right in numbers))


def normalized(text: str) -> str:
    """Return `text` in NFKC, without case, outer punctuation and markup, and with single spaces for white space.

    >>> normalized("  **The  Answer**. ")
    'the answer'
    """
    demand("text", text, TEXT)
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(" *_`\"'“”‘’«».,;:!?()[]{}<>")


def _listed(answers: Answers) -> Sequence[str]:
    demand("answers", answers, TEXT_OR_TEXTS)
    return [answers] if isinstance(answers, str) else answers


def _names(given: str, answer: str) -> bool:
    """Return whether `given` is `answer` with little other text. Both are normalized."""
    if given == answer or not answer:
        return given == answer
    return len(given) <= len(answer) + _MOST_BEYOND and _stands_in(given, answer)


def _stands_in(given: str, answer: str) -> bool:
    """Return whether `given` contains `answer` as whole words. Both are normalized."""
    if not answer:
        return not given
    at = given.find(answer)
    while at >= 0:
        end = at + len(answer)
        if not (_is_one_word(given[at - 1 : at] + answer[0]) or _is_one_word(answer[-1] + given[end : end + 1])):
            return True
        at = given.find(answer, at + 1)
    return False


def _is_one_word(pair: str) -> bool:
    """Return whether two characters side by side belong to one word. An ideograph is a word of its own."""
    return len(pair) == 2 and all(c.isalnum() and not _is_wide(c) for c in pair)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _words(text: str) -> list[str]:
    spaced = "".join(f" {c} " if c.isalnum() and _is_wide(c) else c for c in normalized(text))
    return [word for word in map(normalized, spaced.split()) if word]


def _f1(given: list[str], answer: list[str]) -> float:
    if not given or not answer:
        return float(given == answer)
    common = (Counter(given) & Counter(answer)).total()
    return 2 * common / (len(given) + len(answer))


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(unicodedata.normalize("NFKC", text).replace("−", "-"))
    return float(found[-1].replace(",", "")) if found else None
