"""LoCoMo's scores, as its own script and evalscope compute them."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from equality.comparison import Comparison, function_of
from equality.predictions import prediction, words
from glyphrender.evals.locomo import score_locomo

PAGE = "mrcr-vtcbench.md"


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with LoCoMo/ and the wheel of evalscope, in evalscope/. They need nltk and regex."""
    import numpy as np
    import regex
    from nltk.stem import PorterStemmer

    own, utils = "LoCoMo/task_eval/evaluation.py", "evalscope/evalscope/benchmarks/locomo/utils.py"
    names: dict[str, Any] = {"regex": regex, "string": string, "np": np, "Counter": Counter, "ps": PorterStemmer()}
    names["print"] = lambda *given: None  # the script prints a line for every call
    for name in ("normalize_answer", "f1_score", "f1", "eval_question_answering"):
        names[name] = function_of(scripts / own, name, names)
    evaluate = names["eval_question_answering"]
    theirs: dict[str, Any] = {
        "re": re,
        "unicodedata": unicodedata,
        "Counter": Counter,
        "_get_stemmer": lambda: names["ps"],
    }
    theirs["PUNCTUATION_TABLE"] = str.maketrans("", "", string.punctuation)
    for name in ("_normalize_answer", "_stem", "_token_f1", "_multi_answer_f1", "locomo_f1_score"):
        theirs[name] = function_of(scripts / utils, name, theirs)

    def official(reply: str, answer: str, category: int) -> float:
        row = {"answer": answer, "category": category, "prediction": reply, "evidence": []}
        return round(float(evaluate([row])[0][0]), 12)

    return [
        Comparison(
            name="by category, official",
            source=own,
            official=official,
            ours=lambda *case: round(score_locomo(*case), 12),
            case=_case,
        ),
        Comparison(
            name="by category, evalscope's",
            source=utils,
            official=lambda *case: round(theirs["locomo_f1_score"](*case), 12),
            ours=lambda *case: round(score_locomo(*case, protocol="evalscope"), 12),
            case=_case,
        ),
    ]


def _case(rng: Random) -> tuple[str, str, int]:
    category = rng.randrange(1, 6)
    parts = [words(rng, rng.randrange(1, 6)) for _ in range(rng.randrange(1, 4))]
    answer = rng.choice((", ", "; ", " and ")).join(parts)
    said = rng.choice((answer, parts[0], "No information available", "It is not mentioned in the conversation."))
    return prediction(rng, said, [words(rng, 3), "7 May 2023"]), answer, category
