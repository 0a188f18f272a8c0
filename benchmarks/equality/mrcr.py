"""MRCR's grade and bins, as thu-coai/Glyph and evalscope compute them."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from typing import Optional

from equality.comparison import Comparison, function_of
from equality.predictions import odd, prediction, words
from glyphrender.evals.mrcr import MRCR_BINS, grade_mrcr, mrcr_bin, mrcr_reply

PAGE = "mrcr-vtcbench.md"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with thu-coai/Glyph, cloned into Glyph/, and the wheel of evalscope, in evalscope/.

    The data card has the grade of evalscope under other names of arguments; there is no file of it to run.
    """
    utils = "evalscope/evalscope/benchmarks/openai_mrcr/utils.py"
    glyph = "Glyph/evaluation/mrcr/scripts/post_api_mrcr.py"
    names = {"SequenceMatcher": SequenceMatcher, "Optional": Optional}
    of_evalscope = function_of(scripts / utils, "grade", names)
    of_glyph = function_of(scripts / glyph, "grade_response", names)
    bins = [(low, high) for low, high in zip(MRCR_BINS, MRCR_BINS[1:], strict=False)]
    bin_of_evalscope = function_of(scripts / utils, "bin_index_for", {"OPENAI_MRCR_BINS": bins})
    labels = list(dict.fromkeys(mrcr_bin(edge) for edge in MRCR_BINS))
    return [
        Comparison(
            name="grade",
            source=utils,
            official=of_evalscope,
            ours=grade_mrcr,
            case=_case,
        ),
        Comparison(
            name="grade, evalscope's filter",
            source=utils,
            official=lambda reply, answer, prefix: of_evalscope(reply.lstrip(None), answer, prefix),
            ours=lambda reply, answer, prefix: grade_mrcr(mrcr_reply(reply, prefix, "evalscope"), answer, prefix),
            case=_case,
        ),
        Comparison(
            name="grade, Glyph's",
            source=glyph,
            official=lambda reply, answer, prefix: of_glyph(_pred_text(reply), answer, prefix),
            ours=lambda reply, answer, prefix: grade_mrcr(
                mrcr_reply(reply.split("</think>")[-1], prefix, "glyph@61afa7f"), answer, prefix
            ),
            case=_case,
        ),
        Comparison(
            name="bin, evalscope's",
            source=utils,
            official=lambda tokens: labels[bin_of_evalscope(tokens)],
            ours=lambda tokens: mrcr_bin(tokens, protocol="evalscope"),
            case=_tokens,
        ),
    ]


def _pred_text(raw_content: str) -> str:
    """Return what `process_single_item` of Glyph's script makes of a reply. The lines stand inside a long function."""
    if "</think>" in raw_content:
        return raw_content.split("</think>")[-1].strip()
    return raw_content.strip()


def _case(rng: Random) -> tuple[str, str, str]:
    prefix = "".join(rng.choices(_LETTERS, k=rng.choice((10, 12))))
    # Up to 199 characters, difflib has no frequent characters; from 200 on, it ignores them.
    texts = [words(rng, rng.choice((1, 5, 20, 30, 34, 40, 120))) for _ in range(2)]
    answer = prefix + texts[0]
    reply = prediction(rng, answer, [prefix + texts[1], texts[0], prefix])
    shape = rng.randrange(6)
    if shape == 0:
        reply = rng.choice((" ", "\n", "\r\n ", "\t", "\u3000")) + reply
    elif shape == 1:
        reply = prefix + reply
    elif shape == 2:
        reply = f"<think>{texts[1]}</think>{rng.choice(('', chr(10)))}{answer}<|user|>"
    elif shape == 3:
        at = rng.randrange(len(reply) + 1)
        reply = reply[:at] + odd(rng) + reply[at:]
    return reply, answer if rng.random() < 0.95 else texts[0], prefix


def _tokens(rng: Random) -> tuple[int]:
    edge = rng.choice(MRCR_BINS)
    return (rng.choice((edge + rng.randrange(-2, 3), rng.randrange(2_000_000), rng.randrange(20_000))),)
