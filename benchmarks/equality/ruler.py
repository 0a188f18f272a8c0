"""RULER's string matches, as NVIDIA/RULER and thu-coai/Glyph compute them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from equality.comparison import Comparison, function_of, module_of
from equality.predictions import english, prediction, words
from glyphrender.evals import metrics

PAGE = "longbench-ruler.md"


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with NVIDIA/RULER and thu-coai/Glyph, cloned into RULER/ and Glyph/."""
    constants, evaluate = "RULER/scripts/eval/synthetic/constants.py", "RULER/scripts/eval/evaluate.py"
    glyph = "Glyph/evaluation/ruler/scripts/post_api_ruler.py"
    match = module_of(scripts / constants)
    cleaned = function_of(scripts / evaluate, "postprocess_pred", {"re": re})
    found = []
    for name, ours in (
        ("string_match_all", metrics.string_match_all),
        ("string_match_part", metrics.string_match_part),
    ):
        theirs, glyphs = getattr(match, name), function_of(scripts / glyph, name, {})
        shares = partial(_share, ours)
        official = partial(_official, theirs, cleaned)
        found.append(Comparison(name=name, source=constants, official=official, ours=shares, case=_case))
        of_glyph = partial(_official, lambda *given, function=glyphs: function(*given)[0], cleaned)
        found.append(Comparison(name=f"{name} of Glyph", source=glyph, official=of_glyph, ours=shares, case=_case))
    return found


def _share(metric: Callable[..., float], reply: str, references: list[str]) -> float:
    return round(metric(metrics.ruler_prediction(reply), references) * 100, 2)


def _official(metric: Callable[..., float], cleaned: Callable[..., str], reply: str, references: list[str]) -> float:
    return metric([cleaned(reply, {})], [references])


def _case(rng: Random) -> tuple[str, list[str]]:
    draw = rng.choice(
        (
            lambda: str(rng.randrange(10**6, 10**7)),
            lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            lambda: "".join(rng.choices("ABCDEFGHIJ", k=5)),
            lambda: rng.choice(english()).split()[0],
            lambda: words(rng, rng.randrange(1, 4)),
        )
    )
    references = [draw() for _ in range(rng.choice((1, 1, 3, 4, 5, 10)))]
    said = rng.choice((", ".join(references), references[0], ", ".join(rng.sample(references, len(references)))))
    return prediction(rng, said, [draw(), draw(), *references]), references
