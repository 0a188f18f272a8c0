"""ROUGE-L as the package rouge 1.0.1 computes it, for LongBench's summaries.

The package is of 2021, and keeps a dict with an entry for each pair of words. Here the table is a list or an array,
which is 3 to 4 times as fast for a page of short sentences, and 27 times for one sentence of 400 words, as in Chinese.
What is peculiar to the package stays: sentences end at full stops alone, the *set* of words in all longest common
subsequences is counted, and 1e-8 is added to the denominator.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from glyphrender.evals.chinese import chinese_words

__all__ = ["rouge_l", "rouge_l_zh"]

# The package walks back through its table by recursion, one call a step. LongBench's metrics.py catches every
# exception, RecursionError included, and gives 0. Under Python's limit of 1,000 calls, LongBench's eval.py has 991 left
# for English and one fewer for Chinese, where one more function is on the stack.
_MOST_STEPS: Final = 990
# A row of the table is computed by numpy if it has at least this many cells; below, a loop is faster.
_ARRAY_FROM: Final = 60


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
    common: set[str] = set()
    for right in true:
        for line in given:
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


def _common_words(right: list[str], given: list[str], most_steps: int | None) -> set[str] | None:
    """Return the words of the longest common subsequence that the package finds, or None after too many steps."""
    words: set[str] = set()
    i, j, steps = len(right), len(given), 0
    if set(right).isdisjoint(given):
        steps = j  # every cell is 0, and the way back goes to the left
    else:
        table = _table(right, given)
        while i and j:
            steps += 1
            if right[i - 1] == given[j - 1]:
                words.add(right[i - 1])
                i, j = i - 1, j - 1
            elif table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
    return None if most_steps is not None and steps > most_steps else words


def _table(right: list[str], given: list[str]) -> list[list[int]]:
    """Return the lengths of the longest common subsequences of all beginnings of two sentences."""
    if len(given) < _ARRAY_FROM:
        table = [[0] * (len(given) + 1)]
        for word in right:
            above, row, left, corner = table[-1], [0], 0, 0
            for upper, other in zip(above[1:], given, strict=True):
                left = corner + 1 if word == other else max(upper, left)
                corner = upper
                row.append(left)
            table.append(row)
        return table
    numbers = {word: number for number, word in enumerate({*right, *given})}
    columns = np.array([numbers[word] for word in given])
    array = np.zeros((len(right) + 1, len(given) + 1), dtype=np.int32)
    for index, word in enumerate(right):
        # A cell is the largest of the cell to the left, the cell above, and the cell above to the left plus a match.
        above_row = array[index]
        np.maximum.accumulate(
            np.maximum(above_row[1:], above_row[:-1] + (columns == numbers[word])), out=array[index + 1, 1:]
        )
    found: list[list[int]] = array.tolist()
    return found
