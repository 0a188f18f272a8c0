"""Pre-tokenizers that are known to split a text wherever `tokenizers.py` cuts it.

The patterns are published with vocabularies, and are spelled here as in the files. Under each pattern, a run of letters
ends before a space, no token continues from a line end to a letter, and a token does not depend on the text after a
cut. Nothing can be assumed about an unknown pattern.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["PATTERNS", "splits_at_cuts"]

_CONTRACTION: Final = r"'s|'t|'re|'ve|'m|'ll|'d"
_CASED: Final = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s"
)
_TAIL: Final = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS: Final = frozenset(
    {
        rf"{_CONTRACTION}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+",  # GPT-2
        r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
        *(
            head + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+[\r\n]*" + _TAIL
            for head in (f"(?i:{_CONTRACTION})", r"'(?i:[sdmt]|ll|ve|re)")
            for digits in (r"\p{N}", r"\p{N}{1,3}")
        ),  # cl100k as files spell it, Llama 3, GLM-4, Qwen2 and 3
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",  # cl100k
        _CASED.replace("%s", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _TAIL,  # Tekken
        _CASED.replace("%s", f"(?i:{_CONTRACTION})?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _TAIL,  # o200k
    }
)
"""Patterns that split at every cut, whatever the text further away is."""


def splits_at_cuts(backend: Any) -> bool:
    """Return whether a fast tokenizer is known to begin a token at every cut.

    This is known if it splits by one of `PATTERNS`, and normalises text by NFC or not at all.
    """

    def state(part: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(part.__getstate__()) if part is not None else {}
        return found

    try:
        normaliser, pre = state(backend.normalizer), state(backend.pre_tokenizer)
        added = backend.get_added_tokens_decoder().values()
    except Exception:  # a part is written in Python, or the package has another version
        return False
    if normaliser.get("type") not in (None, "NFC"):
        return False
    # Added tokens are found before the text is split. They may hold spaces or swallow the spaces beside them.
    if any(token.lstrip or token.rstrip or re.search(r"\s|[、。，]", token.content) for token in added):
        return False
    steps = pre.get("pretokenizers", [pre])
    split = [step for step in steps if step.get("type") == "Split"]
    level = [step for step in steps if step.get("type") == "ByteLevel"]
    if len(split) + len(level) != len(steps) or any(step.get("add_prefix_space") for step in level):
        return False
    known = all(
        step["pattern"].get("Regex") in PATTERNS and step["behavior"] in ("Isolated", "Removed") for step in split
    )
    return known and bool(split or any(step.get("use_regex", True) for step in level))
