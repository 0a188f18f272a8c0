"""Findings from answers: usage, thoughts, limits of tokens, streams, content types, and what a page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from glyphrender.inference.preflight.exchange import Observation
from glyphrender.inference.preflight.findings import Finding
from glyphrender.inference.preflight.judge_counts import Observations
from glyphrender.inference.preflight.probes import CODES, LONG_ANSWER
from glyphrender.models.names import family_name
from glyphrender.models.vision import VISION_MODELS

__all__ = ["reply_findings"]

# The marks of thoughts in the answers of open models: GLM, Qwen and DeepSeek; Kimi; Mistral; Seed; gpt-oss; Cohere.
_THOUGHTS: Final = re.compile(
    r"</?think(?:ing)?>|◁/?think▷|\[/?THINK\]|</?seed:think>|<\|channel\|?>\s*(?:analysis|thought)|<\|START_THINKING\|>"
)
# Special tokens of chat templates, which no answer should show.
_SPECIAL: Final = re.compile(r"<\|[A-Za-z_▁][\w▁/ -]*\|>|<(?:end|start)_of_turn>|<[｜|][\w▁]+[｜|]>|\[/?INST\]")


def reply_findings(evidence: Observations, *, listed: tuple[str, ...], model: str) -> Iterator[Finding]:
    """Yield the findings from answers, in the order of the probes.

    Args:
        evidence: the observations.
        listed: the models that the server lists; empty if it lists none.
        model: the name that was asked for.
    """
    text = evidence.seen["text"]
    if listed and model not in listed:
        yield evidence.finding(
            "not-listed", "text", f"the server lists {', '.join(listed[:4])}, not {model}", note=True,
            advice="It answers all the same, so a gateway or a default may decide which model that is.",
        )  # fmt: skip
    yield from _odd(evidence)
    yield from _named(evidence, text, model)
    yield from _usage(evidence, text)
    yield from _thoughts(evidence)
    yield from _stream(evidence, text)
    yield from _limit(evidence)
    yield from _reading(evidence)


def _odd(evidence: Observations) -> Iterator[Finding]:
    told: set[str] = set()
    for name, seen in evidence.seen.items():
        for words in seen.odd:
            if words not in told:
                told.add(words)
                yield evidence.finding("odd-answer", name, words, advice="Clients of OpenAI's API cannot rely on this.")
        for words in seen.changed:
            if words not in told:
                told.add(words)
                yield evidence.finding(
                    "parameter-refused", name, f"the server refused a parameter: {words}", note=True,
                    advice="It was sent again without the parameter, as `ask` does.",
                )  # fmt: skip
    whole = evidence.seen["text"]
    if whole.content_type and not whole.content_type.endswith("json"):
        yield evidence.finding(
            "content-type", "text", f"an answer in one piece has the content type {whole.content_type}",
            predicted="application/json", advice="A proxy or a login page may answer in the server's place.",
        )  # fmt: skip


def _named(evidence: Observations, text: Observation, model: str) -> Iterator[Finding]:
    """Yield a finding if the answer names a model of another kind than the one that was asked for."""
    told, asked = family_name(text.model, VISION_MODELS), evidence.plan.model.name
    wanted = family_name(model, VISION_MODELS) or asked
    if told is not None and told != wanted and text.model != model:
        yield evidence.finding(
            "named-otherwise", "text", f"the answer comes from {text.model}", predicted=model,
            advice="The name leads to another model.",
        )  # fmt: skip


def _usage(evidence: Observations, text: Observation) -> Iterator[Finding]:
    if text.refusal or text.odd:
        return
    if text.prompt_tokens is None:
        yield evidence.finding(
            "no-usage", "text", "the answer has no usage.prompt_tokens",
            advice="Nothing about pages can be compared, and no cost is known. A gateway may drop the field.",
        )  # fmt: skip
    elif text.completion_tokens is None:
        yield evidence.finding(
            "no-usage", "text", "the answer has no usage.completion_tokens", advice="No cost of answers is known.",
        )  # fmt: skip
    if text.finish_reason is None:
        yield evidence.finding(
            "no-finish-reason", "text", "the answer has no finish_reason", predicted="stop or length",
            advice="Nobody sees whether an answer was cut off.",
        )  # fmt: skip


def _thoughts(evidence: Observations) -> Iterator[Finding]:
    read = [each for name in ("text", "page", "other page") if (each := evidence.seen.get(name)) and not each.refusal]
    told = False
    for seen in read:
        if mark := _THOUGHTS.search(seen.text):
            where = "and the field of thoughts is used too" if seen.reasoning else "and no field of thoughts is used"
            yield evidence.finding(
                "thoughts-in-answer", seen.probe, f"the answer has {mark[0]}, {where}",
                predicted="thoughts in reasoning_content or reasoning",
                advice="Scores would read the thoughts. Start the server with the model's reasoning parser.",
            )  # fmt: skip
            told = True
            break
    for seen in read:
        empty = not seen.text.strip() and bool(seen.reasoning.strip())
        if empty and seen.finish_reason == "stop":
            yield evidence.finding(
                "answer-in-thoughts", seen.probe, "the answer is empty, and all of it is given as thoughts",
                predicted="an answer",
                advice="The reasoning parser is of another model, or the template opened no thoughts.",
            )  # fmt: skip
            told = True
            break
    if not told and read and all(each.finish_reason == "length" for each in read):
        yield evidence.finding(
            "cut-short", read[0].probe, f"no answer ended within {evidence.plan.answer:,} tokens", note=True,
            advice="Thoughts could not be judged. A model that thinks needs more: --answer 4096.",
        )  # fmt: skip
    for seen in evidence.seen.values():
        if mark := _SPECIAL.search(_THOUGHTS.sub("", seen.text)):
            yield evidence.finding(
                "special-tokens", seen.probe, f"the answer shows a special token: {mark[0]}",
                advice="The stop tokens or the chat template are of another model, or special tokens are not left out.",
            )  # fmt: skip
            break


def _stream(evidence: Observations, text: Observation) -> Iterator[Finding]:
    seen = evidence.seen.get("stream")
    if seen is None:
        return
    if seen.refusal:
        yield evidence.finding("no-stream", "stream", f"a stream is refused: {seen.refusal}", advice="Do not stream.")
        return
    if seen.content_type == "application/json" or (seen.pieces == 0 and text.text.strip() and not seen.odd):
        got = f"content type {seen.content_type or 'unknown'}, {seen.pieces} pieces"
        yield evidence.finding(
            "no-stream", "stream", f"a stream was asked for, and the answer came whole or not at all ({got})",
            predicted="text/event-stream", advice="A gateway may gather streams. A stall is then seen late.",
        )  # fmt: skip
        return
    if seen.content_type not in ("text/event-stream", ""):
        yield evidence.finding(
            "content-type", "stream", f"a stream has the content type {seen.content_type}",
            predicted="text/event-stream", advice="Some clients then read no events.",
        )  # fmt: skip
    if seen.finish_reason is None:
        ending = "and its end mark" if seen.ended else "and without its end mark"
        yield evidence.finding(
            "no-finish-reason", "stream", f"a stream ends without finish_reason, {ending}", predicted="stop or length",
            advice="An answer that broke off cannot be told from a whole one.",
        )  # fmt: skip
    if text.prompt_tokens is not None:
        if seen.prompt_tokens is None:
            yield evidence.finding(
                "no-stream-usage", "stream", "a stream has no usage, although stream_options asks for it",
                predicted=f"prompt_tokens={text.prompt_tokens:,}",
                advice="`glyphrender ask` then shows no costs of answers that are streamed.",
            )  # fmt: skip
        elif seen.prompt_tokens != text.prompt_tokens:
            yield evidence.finding(
                "stream-counts", "stream", f"the same prompt takes {seen.prompt_tokens:,} tokens as a stream",
                predicted=f"{text.prompt_tokens:,}",
                advice="Two servers may be behind the address, or one of the counts is wrong.",
            )  # fmt: skip


def _limit(evidence: Observations) -> Iterator[Finding]:
    seen = evidence.seen.get("long answer")
    if seen is None or seen.refusal:
        return
    tokens, most = seen.completion_tokens, LONG_ANSWER
    numbers = re.findall(r"\d+", seen.text)
    # Without a count, numbers tell: each takes a token and a newline at least.
    over = tokens > most if tokens is not None else len(numbers) > most
    if over:
        got = f"{tokens:,} tokens" if tokens is not None else f"{len(numbers)} numbers"
        yield evidence.finding(
            "limit-ignored", "long answer", f"max_tokens={most} gave {got}", predicted=f"at most {most}",
            advice="Costs have no bound. Send max_completion_tokens, or set a limit at the server.",
        )  # fmt: skip
    elif tokens is not None and tokens < most and seen.finish_reason == "length":
        yield evidence.finding(
            "limit-lowered", "long answer", f"the answer was cut off after {tokens:,} tokens", predicted=f"{most}",
            advice="The server sets a lower limit of its own: answers will be cut off. Raise it there.",
        )  # fmt: skip
    elif tokens == most and seen.finish_reason == "stop" and "500" not in numbers:
        yield evidence.finding(
            "wrong-finish-reason", "long answer", f"an answer cut off after {most} tokens has finish_reason=stop",
            predicted="length", advice="Nobody sees that an answer was cut off. Look for a gateway that rewrites it.",
        )  # fmt: skip


def _reading(evidence: Observations) -> Iterator[Finding]:
    first, second = evidence.seen.get("page"), evidence.seen.get("other page")
    if first is None or second is None or first.refusal or second.refusal:
        return
    if evidence.wrong_page():
        yield evidence.finding(
            "wrong-page", "other page", f"a page with {CODES[1]} was answered with {CODES[0]}, of the page before",
            predicted=CODES[1],
            advice="A cache takes one image for another (LMCache issue 4086). Turn caches of images off.",
        )  # fmt: skip
    elif CODES[0] not in first.text or CODES[1] not in second.text:
        unread = first if CODES[0] not in first.text else second
        yield evidence.finding(
            "not-read", unread.probe, "the answer does not have the code of the page", note=True,
            predicted=CODES[0] if unread is first else CODES[1],
            advice="The model cannot read type of this size, sees no page, or needs more tokens to think.",
        )  # fmt: skip
