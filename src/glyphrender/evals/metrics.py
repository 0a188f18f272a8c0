"""Official metrics of LongBench and RULER, as plain functions of one prediction and its right answers.

Every function returns a share from 0 to 1, computed as the official script computes it, in the same order of
operations: `benchmarks/metric_equality.py` compares the two over generated predictions. Faults of the scripts stay, and
the docstrings name them. Sources: THUDM/LongBench, LongBench/metrics.py at 2e00731 (MIT), and NVIDIA/RULER,
scripts/eval/synthetic/constants.py and scripts/eval/evaluate.py at c3f5e3b (Apache 2.0).
"""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.evals.chinese import chinese_words

__all__ = [
    "classification",
    "code_similarity",
    "count_match",
    "paragraph_match",
    "qa_f1",
    "qa_f1_zh",
    "ruler_prediction",
    "string_match_all",
    "string_match_part",
]

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_ASCII_MARKS: Final = str.maketrans("", "", string.punctuation)
_CHINESE_MARKS: Final = str.maketrans(
    "",
    "",
    string.punctuation
    + "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、"
    + "〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.",
)
_NUMBER: Final = re.compile(r"\d+")
_PARAGRAPH: Final = re.compile(r"(?:Paragraph |段落)(\d+)")
_CONTROL: Final = re.compile(r"[\x00-\x1f]")


def qa_f1(prediction: str, truth: str) -> float:
    """Return the F1 score of the words of two texts, without case, ASCII punctuation and articles.

    Two empty texts have nothing in common, and score 0.

    >>> qa_f1("The Red House.", "red houses"), qa_f1("", "")
    (0.5, 0.0)
    """
    return f1_of_words(_ARTICLES.sub(" ", _plain(prediction)).split(), _ARTICLES.sub(" ", _plain(truth)).split())


def qa_f1_zh(prediction: str, truth: str) -> float:
    """Return the F1 score of the words that jieba finds in two Chinese texts, without case and punctuation.

    >>> round(qa_f1_zh("北京大学。", "在北京大学"), 6)
    0.666667

    Raises:
        DependencyError: rjieba is not installed.
    """
    words = []
    for text in (prediction, truth):
        plain = ("".join(word.lower().translate(_CHINESE_MARKS).split()) for word in chinese_words(text))
        words.append([word for word in plain if word])
    return f1_of_words(*words)


def classification(prediction: str, truth: str, classes: Sequence[str]) -> float:
    """Return 1 / the number of classes that the prediction names, if it names the right one; else 0.

    A class that is part of the right one's name does not count. The script removes such classes from the list that it
    walks through, so the class after a removed one is not looked at and counts: with the classes "a", "ab" and "abc",
    the prediction "abc" has half the score.

    >>> classification("It is a city.", "city", ["city", "country"])
    1.0
    >>> classification("abc", "abc", ["a", "ab", "abc"])
    0.5
    """
    named = [name for name in classes if name in prediction]
    for name in named:  # the list changes on the way, as in the script
        if name in truth and name != truth:
            named.remove(name)
    return 1.0 / len(named) if truth in named else 0.0


def paragraph_match(prediction: str, truth: str) -> float:
    """Return the share of numbers in the prediction that are the number of the right paragraph.

    The right answer is "Paragraph 7", or "段落7" in Chinese.

    >>> paragraph_match("Paragraph 7", "Paragraph 7"), paragraph_match("7 or 8", "段落7"), paragraph_match("?", "段落7")
    (1.0, 0.5, 0.0)

    Raises:
        DataError: `truth` names no paragraph.
    """
    right = _PARAGRAPH.search(truth)
    if right is None:
        raise DataError(f"answer {shown(truth)} names no paragraph. Give it as 'Paragraph 7' or '段落7'.")
    return count_match(prediction, right[1])


def count_match(prediction: str, truth: str) -> float:
    """Return the share of numbers in the prediction that equal the right number, as text.

    >>> count_match("12 paragraphs, or 13", "12"), count_match("twelve", "12")
    (0.5, 0.0)
    """
    numbers = _NUMBER.findall(prediction)
    return numbers.count(truth) / len(numbers) if numbers else 0.0


def code_similarity(prediction: str, truth: str, *, matcher: str = "difflib") -> float:
    """Return the similarity of the first line of code in the prediction and the right line, in hundredths.

    The first line of code is the first one without "`", "#" or "//", after leading newlines. fuzzywuzzy computes the
    similarity with difflib, or with the package python-Levenshtein where that is installed; the two differ. LongBench's
    requirements name fuzzywuzzy alone, so difflib is official. Two equal lines score 1, two empty ones included.

    Args:
        prediction: the text of a model.
        truth: the right line.
        matcher: "difflib", with its heuristic for lines of 200 characters and more; or "levenshtein".

    >>> code_similarity("```python\\nreturn x + 1\\n```", "return x + 1")
    1.0
    >>> code_similarity("retrun value", "return value"), code_similarity("", "return value")
    (0.92, 0.0)

    Raises:
        DataError: `matcher` is unknown.
        DependencyError: rapidfuzz is not installed, which the matcher "levenshtein" needs.
    """
    if matcher not in ("difflib", "levenshtein"):
        raise DataError(f"matcher={shown(matcher)} is not known. Use difflib or levenshtein.")
    lines = prediction.lstrip("\n").split("\n")
    line = next((line for line in lines if not ("`" in line or "#" in line or "//" in line)), "")
    if line == truth:
        return 1.0
    if not line or not truth:
        return 0.0
    if matcher == "levenshtein":
        ratio = _indel_similarity(line, truth)
    else:
        ratio = difflib.SequenceMatcher(None, line, truth).ratio()
    return round(100 * ratio) / 100


def ruler_prediction(reply: str) -> str:
    """Return a reply as RULER scores it: without outer white space, and with newlines for control characters.

    >>> ruler_prediction(" a\\tb\\x00\\n")
    'a\\nb'
    """
    return _CONTROL.sub("\n", reply.strip()).strip()


def string_match_all(prediction: str, references: Sequence[str]) -> float:
    """Return the share of `references` that stand somewhere in the prediction, whatever the case.

    >>> string_match_all("The numbers are 12 and 34.", ["12", "35"])
    0.5
    """
    given = prediction.lower()
    return sum(reference.lower() in given for reference in references) / len(references)


def string_match_part(prediction: str, references: Sequence[str]) -> float:
    """Return 1 if one of `references` stands somewhere in the prediction, whatever the case; else 0.

    >>> string_match_part("In Paris, France.", ["Lyon", "paris"])
    1.0
    """
    given = prediction.lower()
    return float(any(reference.lower() in given for reference in references))


def _indel_similarity(a: str, b: str) -> float:
    """Return what `Levenshtein.ratio(a, b)` of python-Levenshtein returns, which is this function of rapidfuzz."""
    try:
        from rapidfuzz.distance import Indel
    except ImportError as error:
        raise DependencyError.of(error, "this matcher needs the package rapidfuzz", extra="evals") from error
    return float(Indel.normalized_similarity(a, b))


def _plain(text: str) -> str:
    return text.lower().translate(_ASCII_MARKS)


def f1_of_words(given: list[str], right: list[str]) -> float:
    """Return the F1 score of the words of two texts. Order does not count; repetition does."""
    return f1((Counter(given) & Counter(right)).total(), len(given), len(right))


def f1(common: int, given: int, right: int) -> float:
    """Return the F1 score of `given` words against `right` ones, if they have `common` words in common."""
    if not common:
        return 0.0
    precision, recall = common / given, common / right
    return 2 * precision * recall / (precision + recall)
