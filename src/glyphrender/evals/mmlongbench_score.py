"""The published rules of MMLongBench-Doc for one extracted answer, and its F1 (eval/eval_score.py @ d73f0dc).

The rules are kept with their oddities, because published figures contain them. Two things differ on purpose. A list is
read with `ast.literal_eval`; the official script calls `eval` on the model's words. Where the official script raises
and ends the run, the score is 0, as in VLMEvalKit.

- Units are not stripped: the script calls `rstrip("miles")` and drops the result.
- A score of a text is 1 − edit distance / length, and 0 up to 0.5. The length is counted in upper case.
- An exact match is asked of web addresses, files, pages, telephone numbers, times, dates and e-mail addresses.
- A float is right within 1%, and so are its hundredth and its hundredfold. An integer is cut off, not rounded.
- "Fail to answer" is not "Not answerable": it counts as an answer in the denominator of precision.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable
from typing import Any, Final

from glyphrender.ocr.comparison import edit_distance

__all__ = ["NOT_ANSWERABLE", "extracted_answer", "mmlongbench_f1", "score_mmlongbench"]

NOT_ANSWERABLE: Final = "Not answerable"

_EXACT: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b\d+(-\d+|\s\d+)?\b",  # a telephone number
        r"\b\d{4}[-\s]\d{2}[-\s]\d{2}\b",  # YYYY-MM-DD
        r"\b\d{4}[-\s]\d{2}\b",  # YYYY-MM
        r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",  # an e-mail address
    )
)
_PARENTHESES: Final = re.compile(r"\s*\([^)]*\)")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_OUTER_QUOTE: Final = re.compile(r"^['\"]|['\"]$")


def score_mmlongbench(answer: str, extracted: str, answer_format: str, *, protocol: str = "official") -> float:
    """Return the score of an extracted answer, from 0 to 1.

    Args:
        answer: the right answer, as samples.json has it. A list is the text of a Python list.
        extracted: the answer that a judge extracted from the reply.
        answer_format: "Int", "Float", "Str", "List" or "None"; any other name is scored as a list.
        protocol: "official", or "vlmevalkit", which scores the format "None" as a list.

    >>> score_mmlongbench("18.29%", "0.1829", "Float"), score_mmlongbench("5 miles", "5", "Str")
    (1.0, 0.0)
    >>> score_mmlongbench("['10%', 'White']", "['White', '10%']", "List")
    1.0

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    try:
        if answer_format == "Int":
            return float(_same_integer(answer, extracted))
        if answer_format == "Float":
            return float(_same_float(answer, extracted))
        if answer_format == "Str" or (answer_format == "None" and protocol != "vlmevalkit"):
            return _text_score(_clean(answer), _clean(extracted))
        return _list_score(answer, extracted)
    except (ValueError, SyntaxError, IndexError, MemoryError, RecursionError):
        return 0.0


def extracted_answer(extraction: str) -> str | None:
    """Return the answer in a judge's extraction, or None if there is none, where the official script ends.

    >>> extracted_answer("Extracted answer: 8\\nAnswer format: Integer")
    '8'
    """
    parts = extraction.split("Answer format:")[0].split("Extracted answer:")
    return parts[1].strip() if len(parts) > 1 else None


def mmlongbench_f1(scored: Iterable[tuple[str, str | None, float]]) -> float:
    """Return the published F1 over (right answer, extracted answer, score), from 0 to 1.

    Recall is the mean score over the answerable questions. Precision divides the same sum by the number of replies that
    are not exactly "Not answerable". If a denominator is 0, so is the F1.

    >>> mmlongbench_f1([("8", "8", 1.0), ("Not answerable", "7", 0.0)])
    0.6666666666666666
    """
    total, answerable, answered = 0.0, 0, 0
    for answer, extracted, score in scored:
        if answer != NOT_ANSWERABLE:
            total += score
            answerable += 1
        answered += extracted != NOT_ANSWERABLE
    if not answerable or not answered or not total:
        return 0.0
    recall, precision = total / answerable, total / answered
    return 2 * recall * precision / (recall + precision)


def _same_integer(answer: str, extracted: str) -> bool:
    try:
        return int(answer) == int(float(extracted))
    except (ValueError, OverflowError):
        return answer == ""  # the script compares what it could not read with ""


def _same_float(answer: str, extracted: str) -> bool:
    """Return whether two numbers are equal by the rules. Raises ValueError for a right answer that is no number."""
    right = float(_clean(answer))
    try:
        given = float(_clean(extracted))
    except ValueError:
        return False
    return any(_close(each, given) for each in (right / 100, right, right * 100))


def _close(right: float, given: float) -> bool:
    if math.isclose(right, given, rel_tol=0.01):
        return True
    precision = max(min(_decimals(given), _decimals(right)), 2)
    return round(given, precision) == round(right, precision)


def _decimals(number: float) -> int:
    text = str(number)
    return len(text.split(".")[-1]) if "." in text else 3


def _list_score(answer: str, extracted: str) -> float:
    wanted, given = (sorted(map(_clean, _listed(text))) for text in (answer, extracted))
    if len(wanted) != len(given):
        return 0.0
    if _is_number(wanted[0]) or _asks_for_equality(wanted[0]):
        return float("-".join(wanted) == "-".join(given))
    return min(_similarity(right, text) for right, text in zip(wanted, given, strict=True))


def _listed(text: str) -> list[Any]:
    # Python keeps the backslash of an escape that it does not know, with a warning. Doubled, there is no warning.
    value = ast.literal_eval(_ESCAPE.sub(_kept, text)) if text.startswith("[") else text
    return value if isinstance(value, list) else [value]


def _kept(escape: re.Match[str]) -> str:
    return escape[0] if escape[1] in "\n\\'\"abfnrtvxuUN01234567" else f"\\{escape[0]}"


def _text_score(answer: str, extracted: str) -> float:
    return float(answer == extracted) if _asks_for_equality(answer) else _similarity(answer, extracted)


def _similarity(answer: str, extracted: str) -> float:
    """Return ANLS: 1 − edit distance / length in upper case; 0 if this is at most 0.5."""
    length = max(len(answer.upper()), len(extracted.upper()))
    similarity = 1.0 - (edit_distance(answer, extracted) / length if length else 0.0)
    return similarity if similarity > 0.5 else 0.0


def _clean(value: Any) -> str:
    text = str(value).lower().strip()
    text = _PARENTHESES.sub("", text).strip()
    text = _OUTER_QUOTE.sub("", text).strip()
    return text.lstrip("$").strip().rstrip("%").strip()


def _asks_for_equality(text: str) -> bool:
    return (
        "https://" in text
        or text.endswith((".py", "ipynb"))
        or text.startswith("page")
        or "a.m." in text
        or "p.m." in text
        or any(pattern.fullmatch(text) for pattern in _EXACT)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
