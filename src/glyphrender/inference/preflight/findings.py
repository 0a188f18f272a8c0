"""Findings of a preflight: values with what was seen, what was predicted, and what to set.

The table `REMEDIES` has the options of four servers. They were read in the servers' own documentation and sources in
November 2026: vLLM (docs/serving/engine_args, entrypoints/openai/cli_args.py), SGLang (docs/advanced_features/
server_arguments), llama.cpp (tools/server/README.md), transformers (docs/serve-cli/serving). Nothing was run on a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

__all__ = ["PROGRAMS", "REMEDIES", "Finding", "Severity"]

#: "fault": answers are wrong, are lost, or cost more. "note": worth knowing, and the server works.
Severity: TypeAlias = Literal["fault", "note"]

#: The servers whose options are known, in the order in which they are shown.
PROGRAMS: Final = ("vllm", "sglang", "llama.cpp", "transformers")

_LIMITS: Final = {
    "vllm": "--mm-processor-kwargs: leave it out, or give the model's own limits: {limits}",
    "sglang": '--mm-process-config: leave it out, or give the model\'s own limits: {{"image": {limits}}}',
    "llama.cpp": "--image-min-tokens and --image-max-tokens: {tokens}",
    "transformers": "preprocessor_config.json beside the weights: {limits}",
}
_NAME: Final = {
    "vllm": "serve the model that the name says; --served-model-name gives it any name",
    "sglang": "serve the model that the name says; --served-model-name gives it any name",
    "llama.cpp": "-m and --mmproj of the same model; --alias gives it any name",
    "transformers": "name the folder or the model on the hub as --model",
}
_TEMPLATE: Final = {
    "vllm": "--chat-template of the model, --chat-template-content-format openai",
    "sglang": "--chat-template of the model",
    "llama.cpp": "--jinja with the model's own template, or --chat-template-file",
    "transformers": "chat_template.jinja beside the weights",
}
_PARSER: Final = {
    "vllm": "--reasoning-parser {parser}",
    "sglang": "--reasoning-parser {parser}",
    "llama.cpp": "--reasoning-format deepseek",
    "transformers": "a response template in the tokenizer's configuration",
}
_CONTEXT: Final = {
    "vllm": "--max-model-len",
    "sglang": "--context-length; leave out --allow-auto-truncate",
    "llama.cpp": "--ctx-size, which --parallel divides",
    "transformers": "nothing: it does not truncate",
}
_CACHE: Final = {
    "vllm": "leave out --no-enable-prefix-caching and --mm-processor-cache-gb 0",
    "sglang": "leave out --disable-radix-cache",
    "llama.cpp": "leave out --no-cache-prompt",
}
#: kind of a finding → server → what to set there.
REMEDIES: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(("min-pixels", "max-pixels", "both-limits", "longest-side", "scaled", "one-size"), _LIMITS),
    "other-constant": {
        "transformers": "preprocessor_config.json of the published model",
        "llama.cpp": "--mmproj of it",
    },
    **dict.fromkeys(("other-model", "other-counts", "other-vocabulary", "named-otherwise"), _NAME),
    **dict.fromkeys(("counted-again", "images-not-counted", "pages-lost", "pages-moved", "no-system"), _TEMPLATE),
    "images-refused": {
        "vllm": "leave out --language-model-only; --limit-mm-per-prompt '{{\"image\": {images}}}'",
        "sglang": "--enable-multimodal",
        "llama.cpp": "--mmproj FILE",
    },
    "too-many-images": {
        "vllm": "--limit-mm-per-prompt '{{\"image\": {images}}}'",
        "sglang": "--limit-mm-data-per-request '{{\"image\": {images}}}'",
    },
    "encoder-cache": {"vllm": "--max-num-batched-tokens {tokens_most}: the encoder's cache is as large as this"},
    "truncated": _CONTEXT,
    "prompt-refused": _CONTEXT,
    **dict.fromkeys(("thoughts-in-answer", "answer-in-thoughts"), _PARSER),
    "no-stream-usage": {"vllm": "--enable-force-include-usage", "llama.cpp": "a newer release"},
    "cache-unknown": {"vllm": "--enable-prompt-tokens-details", "sglang": "--enable-cache-report"},
    "no-prefix-cache": _CACHE,
    "pages-not-cached": _CACHE,
    "special-tokens": _TEMPLATE,
}
# The reasoning parser of vLLM and SGLang for a vision model, by the beginning of its name.
_PARSERS: Final = {
    "glm": "glm45",
    "qwen": "qwen3",
    "internvl3.5": "qwen3",
    "deepseek": "deepseek_r1",
    "gemma-4": "gemma4",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding of a preflight.

    Attributes:
        kind: a short name that does not change between releases.
        severity: "fault" or "note".
        probe: name of the probe that shows it.
        seen: what the server did.
        predicted: what it should have done; empty if that goes without saying.
        advice: what to set, whatever the server.
        settings: server → what to set there.
    """

    kind: str
    severity: Severity
    probe: str
    seen: str
    predicted: str = ""
    advice: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "probe": self.probe,
            "seen": self.seen,
            "predicted": self.predicted,
            "advice": self.advice,
            "settings": dict(self.settings),
        }


def settings_of(kind: str, program: str, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what to set against a finding, for one server or for all that are known.

    Args:
        kind: the kind of the finding.
        program: the server, if it is known; else empty.
        values: values for the names in braces in `REMEDIES`.

    >>> settings_of("too-many-images", "vllm", {"images": 100})
    (('vllm', '--limit-mm-per-prompt \\'{"image": 100}\\''),)
    """
    rows = REMEDIES.get(kind, {})
    chosen = [program] if program in rows else [each for each in PROGRAMS if each in rows]
    return tuple((each, rows[each].format_map(values)) for each in chosen)


def parser_of(model: str) -> str:
    """Return the reasoning parser of vLLM and SGLang for a vision model; "NAME" if it is not known."""
    return next((parser for start, parser in _PARSERS.items() if model.startswith(start)), "NAME")
