"""The vision model that a name stands for: a name of ours, of the hub, of a provider, or of a gateway before it.

Names are compared in one spelling: the last part of a path, in lower case, with hyphens for everything else. So
"Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl:8b" and "qwen3-vl" are one model. A name that no rule knows is not guessed: a
smaller or newer sibling of a model often counts images in another way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

__all__ = ["close_names", "family_name", "spelled"]

# Claude up to 4.6 sees images in the standard tier, later ones in high resolution (docs/vision.md).
_HIGH_RESOLUTION: Final = (4, 7)

# Models that are no vision models, although their names begin as one does: for speech, for making pictures, for text.
_OTHERS: Final = re.compile(
    r"audio|realtime|transcri|(?<![a-z])tts|speech|embed|rerank|moderat|gpt-image|gpt-live|gpt-oss|o3-mini|live-"
    r"|gemma-?3-?(?:1b|270m)|gemini-robotics|nano-banana"
)

# Rules (pattern, model): a spelled name in which the pattern is found stands for the model. The first rule decides.
# A pattern begins where a word begins, and no digit follows it.
_RULES: Final[tuple[tuple[str, str], ...]] = (
    # Glyph is trained from GLM-4.1V and has its processor.
    (r"glyph(?=$|-)|glm-?4-1v", "glm-4.1v"),
    (r"glm-?4-5v", "glm-4.5v"),
    (r"glm-?4-6v", "glm-4.6v"),
    (r"glm-ocr", "glm-ocr"),
    (r"qwen-?3-?vl", "qwen3-vl"),
    (r"qwen-?3[-p]5", "qwen3.5"),
    (r"qwen-?3[-p]6", "qwen3.6"),
    (r"qwen-?2[-p]5-?vl", "qwen2.5-vl"),
    (r"qwen-?2-?vl", "qwen2-vl"),
    (r"internvl-?3[-p]5", "internvl3.5"),
    (r"internvl-?3", "internvl3"),
    (r"internvl-?2[-p]5", "internvl2.5"),
    (r"deepseek-ocr-2", "deepseek-ocr-2"),
    (r"deepseek-ocr", "deepseek-ocr"),
    (r"unlimited-ocr", "unlimited-ocr"),
    (r"idefics-?3", "idefics3"),
    # The two smaller models have one processor, the largest another.
    (r"smolvlm-(?:256m|500m)", "smolvlm-256m"),
    (r"smolvlm", "smolvlm"),
    (r"llava-(?:next|v?1-6)", "llava-next"),
    (r"llava-onevision(?!-1)|llava-ov", "llava-onevision"),
    (r"pixtral", "pixtral"),
    # Mistral names releases by month as well.
    (r"mistral-small-?(?:3-1|2503)|mistral-small-24b-instruct-2503", "mistral-small-3.1"),
    (r"mistral-small-?(?:3-2|2506)|mistral-small-24b-instruct-2506", "mistral-small-3.2"),
    (r"gemma-?3n", "gemma-3n"),
    (r"gemma-?3", "gemma-3"),
    (r"gemma-?4", "gemma-4"),
    (r"llama-?4", "llama-4"),
    (r"phi-?4-(?:multimodal|mm)", "phi-4-multimodal"),
    (r"gpt-?6(?:-\d)?", "gpt-6"),
    (r"gpt-?5-5", "gpt-5.5"),
    (r"gpt-?5-4(?!-(?:mini|nano))", "gpt-5.4"),
    (r"gpt-?5-mini", "gpt-5-mini"),
    (r"gpt-?5-1(?!-codex)|gpt-?5(?!-(?:\d(?!\d{3})|nano|codex))", "gpt-5"),
    (r"gpt-?4-1-mini", "gpt-4.1-mini"),
    (r"gpt-?4-1-nano", "gpt-4.1-nano"),
    (r"gpt-?4-1", "gpt-4.1"),
    (r"gpt-?4o-mini", "gpt-4o-mini"),
    # OpenAI's guide counts these as GPT-4o: 85 and 170 tokens.
    (r"(?:chat)?gpt-?4o|gpt-?4-5|gpt-?4-turbo|gpt-?4-(?:\d{4}-)?vision", "gpt-4o"),
    (r"o4-mini", "o4-mini"),
    (r"o3|o1(?!-(?:mini|preview))", "o3"),
    # Gemini 2.0 and 2.5 count tiles of 768 px; every Gemini 3 counts by the media resolution.
    (r"gemini-?2-(?:0|5)", "gemini-2.5"),
    (r"gemini-?3(?:-\d)?", "gemini-3"),
)
_COMPILED: Final = tuple((re.compile(rf"(?<![a-z0-9])(?:{pattern})(?!\d)"), name) for pattern, name in _RULES)

# The version of a Claude: before the name (claude-3-5-sonnet) or after it (claude-opus-4-5). A date has eight digits.
_CLAUDE: Final = re.compile(r"claude(?:-(?:opus|sonnet|haiku|fable|mythos))?-v?(\d{1,2})(?:-(\d{1,2})(?!\d))?(?!\d)")
_CLAUDE_OF_NO_VERSION: Final = re.compile(r"claude(?:-(?:opus|sonnet|haiku|fable|mythos))?(?:-latest)?$")


def spelled(name: str) -> str:
    """Return `name` in the one spelling in which names are compared.

    >>> spelled("Qwen/Qwen2.5_VL-7B-Instruct"), spelled("us.anthropic.claude-opus-4-5-20251101-v1:0")
    ('qwen2-5-vl-7b-instruct', 'us-anthropic-claude-opus-4-5-20251101-v1-0')
    """
    last = name.strip().rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")


def family_name(name: str, known: Iterable[str]) -> str | None:
    """Return the name in `known` that `name` stands for; None if it stands for none.

    >>> known = ["glm-4.1v", "qwen3-vl", "claude", "claude-standard"]
    >>> [family_name(name, known) for name in ("zai-org/Glyph", "claude-opus-4-5@20251101", "gpt-2")]
    ['glm-4.1v', 'claude-standard', None]
    """
    flat = spelled(name)
    names = {spelled(each): each for each in known}
    if flat in names:
        return names[flat]
    if not flat or _OTHERS.search(flat):
        return None
    found = _claude(flat) or next((model for pattern, model in _COMPILED if pattern.search(flat)), None)
    return found if found in names.values() else None


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three names in `known` that look like `name`, the most alike first.

    >>> close_names("qwen4-vl", ["glm-4.1v", "qwen2-vl", "qwen3-vl", "claude"])
    ['qwen3-vl', 'qwen2-vl']
    """
    names = {spelled(each): each for each in known}
    return [names[each] for each in difflib.get_close_matches(spelled(name)[:80], names, n=3, cutoff=0.55)]


def _claude(flat: str) -> str | None:
    found = _CLAUDE.search(flat)
    if found is None:
        return "claude" if _CLAUDE_OF_NO_VERSION.search(flat) else None
    version = int(found[1]), int(found[2] or 0)
    if version < (3, 0):
        return None  # Claude 2 and before see no images
    return "claude" if version >= _HIGH_RESOLUTION else "claude-standard"
