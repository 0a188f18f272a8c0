"""ROUGE-L as the package rouge 1.0.1 computes it, for LongBench's summaries.

The package is of 2021, and keeps a dict with an entry for each pair of words. Here the table is an array, which is
some 20 times as fast for a page-long summary. What is peculiar to the package stays: sentences end at full stops alone,
the *set* of words in all longest common subsequences is counted, and 1e-8 is added to the denominator.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.evals.chinese import chinese_words

__all__ = ["rouge_l", "rouge_l_zh"]

# The package walks back through its table by recursion, one call a step. LongBench's metrics.py catches every
# exception, RecursionError included, and gives 0. Under Python's limit of 1,000 calls, LongBench's eval.py has 991 left
# for English and one fewer for Chinese, where one more function is on the stack.
_MOST_STEPS: Final = 990


def rouge_l(prediction: str, truth: str, *, most_steps: int | None = _MOST_STEPS) -> float:
    """Return the F measure of ROUGE-L, from 0 to 1, as `rouge_score` of LongBench does.

    Source: THUDM/LongBench, LongBench/metrics.py at 2e00731, with rouge 1.0.1. The score is 0 if one of the texts has
    no character but full stops.

    Args:
        prediction: the text of a model.
        truth: the right text.
        most_steps: if a sentence of each text together need more steps than this to walk back from their ends to the
            start of one of them, the score is 0, as the official script's is: a prediction of a thousand words without
            a full stop. None: no limit.

    >>> round(rouge_l("the cat sat on the mat", "the cat lay on the mat"), 6)
    0.8
    >>> rouge_l("", "the cat")
    0.0
    """
    given, true = _sentences(prediction), _sentences(truth)
    if not given or not true:
        return 0.0
    numbers: dict[str, int] = {}
    lines = [[_numbered(words, numbers) for words in sentences] for sentences in (given, true)]
    common: set[int] = set()
    for right in lines[1]:
        for line in lines[0]:
            found = _common_words(right, line, most_steps)
            if found is None:
                return 0.0
            common |= found
    words_given, words_true = (len({word for words in sentences for word in words}) for sentences in (given, true))
    precision, recall = len(common) / words_given, len(common) / words_true
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8))


def rouge_l_zh(prediction: str, truth: str, *, most_steps: int | None = _MOST_STEPS - 1) -> float:
    """Return `rouge_l` of two Chinese texts, over the words that jieba finds, as `rouge_zh_score` of LongBench does.

    A Chinese text has "。" and no full stop, so the whole text is one sentence, and `most_steps` (see `rouge_l`) is
    reached by a prediction of some 900 words.

    >>> round(rouge_l_zh("会议讨论了预算。", "会议通过了预算。"), 6)
    0.8

    Raises:
        DependencyError: rjieba is not installed.
    """
    return rouge_l(" ".join(chinese_words(prediction)), " ".join(chinese_words(truth)), most_steps=most_steps)


def _sentences(text: str) -> list[list[str]]:
    """Return the words of each sentence. A sentence of white space alone has one word, which is empty."""
    return [" ".join(sentence.split()).split(" ") for sentence in text.split(".") if sentence]


def _numbered(words: list[str], numbers: dict[str, int]) -> NDArray[np.int32]:
    return np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int32)


def _common_words(right: NDArray[np.int32], given: NDArray[np.int32], most_steps: int | None) -> set[int] | None:
    """Return the words of the longest common subsequence that the package finds, or None after too many steps."""
    table = np.zeros((len(right) + 1, len(given) + 1), dtype=np.int32)
    for row, word in enumerate(right):
        # A cell is the largest of the cell to the left, the cell above, and the cell above to the left plus a match.
        above = table[row]
        np.maximum.accumulate(np.maximum(above[1:], above[:-1] + (given == word)), out=table[row + 1, 1:])
    words: set[int] = set()
    i, j, steps = len(right), len(given), 0
    rights, givens = right.tolist(), given.tolist()
    while i and j:
        steps += 1
        if rights[i - 1] == givens[j - 1]:
            words.add(rights[i - 1])
            i, j = i - 1, j - 1
        elif table[i - 1, j] > table[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return None if most_steps is not None and steps > most_steps else words
