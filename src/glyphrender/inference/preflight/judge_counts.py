"""Findings from counts of tokens: resized images, lost pages, another model, truncation, the prefix cache."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.errors import DependencyError, TokenizerError, VisionModelError
from glyphrender.inference.preflight.counting import SLACK, Explanation, explanations, gap
from glyphrender.inference.preflight.exchange import Observation
from glyphrender.inference.preflight.findings import Finding, Severity, parser_of, settings_of
from glyphrender.inference.preflight.probes import CODES, SYSTEM, PreflightPlan
from glyphrender.models.enlarged import enlarged, enlarged_warning
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TOKENIZERS, tokenizer

__all__ = ["Observations"]

# Tokens by which a text may differ from its count alone: pieces join where texts meet.
JOINS: Final = 4
# Tokens that a template may add to a request with an instruction: roles, marks, a date.
_TEMPLATE: Final = 128
# Tokens of a page below which caches, which keep blocks, say nothing.
_SEEN_BY_CACHE: Final = 64
_SINGLE: Final = ("small", "wide", "blank", "large")
_ENCODER: Final = re.compile(r"encoder cache|embedding tokens|max_num_batched_tokens", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observations:
    """All observations of a preflight, and what was planned.

    Attributes:
        plan: the plan.
        seen: name of the probe → the observation. A probe that was not sent is missing.
        program: the server program, if it is known.
        most_images: most images that the server took, if it refused the probe "many"; None if it did not.
    """

    plan: PreflightPlan
    seen: Mapping[str, Observation]
    program: str = ""
    most_images: int | None = None

    def finding(
        self, kind: str, probe: str, seen: str, *, predicted: str = "", advice: str = "", note: bool = False
    ) -> Finding:
        """Return a finding with the settings that its kind has."""
        severity: Severity = "note" if note else "fault"
        model = self.plan.model
        values: dict[str, Any] = {
            "images": self.plan.images,
            "parser": parser_of(model.name),
            "limits": _own_limits(model),
            "tokens": _own_tokens(model),
            "tokens_most": model.limits.max_tokens or "N",
        }
        settings = settings_of(kind, self.program, values)
        return Finding(
            kind=kind, severity=severity, probe=probe, seen=seen, predicted=predicted, advice=advice, settings=settings
        )

    def tokens(self, probe: str) -> int | None:
        """Return the server's count of a prompt; None if the probe was refused or not counted."""
        seen = self.seen.get(probe)
        return None if seen is None or seen.refusal else seen.prompt_tokens

    def extra(self, probe: str) -> int | None:
        """Return the tokens of a prompt beyond those of the question alone; None if one of them is not known."""
        whole, base = self.tokens(probe), self.tokens("text")
        return None if whole is None or base is None else whole - base

    @property
    def _other_vocabulary(self) -> bool:
        """Return whether the count of the long text shows another vocabulary: no count of texts then says anything."""
        counter, added = self.plan.counter, self.extra("long text")
        if counter is None or added is None or self.cut_at is not None:
            return False
        return abs(added - counter.count(self.plan.long_text)) > JOINS

    @property
    def cut_at(self) -> int | None:
        """Return the tokens at which the server cuts prompts: a short text is counted as predicted, a long one less."""
        counter, long, short = self.plan.counter, self.extra("long text"), self.extra("short text")
        if counter is None or long is None or short is None or long > counter.count(self.plan.long_text):
            return None
        return self.tokens("long text") if abs(short - counter.count(self.plan.short_text)) <= JOINS else None

    def whole(self, probe: str) -> int | None:
        """Return the same as `extra`; None also if the server may have cut the prompt."""
        cut, tokens = self.cut_at, self.tokens(probe)
        return None if cut is not None and tokens is not None and tokens >= 0.98 * cut else self.extra(probe)

    def findings(self) -> Iterator[Finding]:
        """Yield the findings from counts, in the order of the probes."""
        if self.tokens("text") is None:
            return
        yield from self._instruction()
        yield from self._long_text()
        sizes = {**self.plan.sizes, "blank": self.plan.sizes["page"]}
        seen = [(sizes[name], extra) for name in _SINGLE if (extra := self.whole(name)) is not None]
        found = explanations(self.plan.model, seen)
        yield from self._pages(seen, found)
        yield from self._cache()
        yield from self._theta(next((each.model for each in found[:1] if each.model is not None), self.plan.model))

    def _instruction(self) -> Iterator[Finding]:
        added, system = self.extra("system"), self.tokens("system")
        if added is None or system is None:
            return
        wanted = self.plan.text_tokens(SYSTEM)
        if added < wanted / 4:
            yield self.finding(
                "no-system",
                "system",
                f"an instruction adds {added:,} tokens",
                predicted=f"about {wanted:,}",
                advice="Put the instruction into the user's turn, or mend the chat template.",
            )
        ours = next(probe.tokens for probe in self.plan.probes if probe.name == "system")
        if self.plan.counter is None:
            ours = 4 * ours  # a quarter of the bytes was a guess; the bytes are a bound
        if system - ours > _TEMPLATE and not self._other_vocabulary:
            yield self.finding(
                "hidden-prompt",
                "system",
                f"{system - ours:,} tokens more than instruction and question, in every request",
                predicted=f"at most {_TEMPLATE} of a chat template",
                advice="A gateway or the chat template adds a prompt of its own. Take it out, or reckon with it.",
            )

    def _long_text(self) -> Iterator[Finding]:
        added = self.extra("long text")
        if added is None:
            refused = self.seen.get("long text")
            if refused is not None and refused.refusal:
                tokens = self.plan.text_tokens(self.plan.long_text)
                yield self.finding(
                    "prompt-refused",
                    "long text",
                    f"a text of {tokens:,} tokens is refused: {refused.refusal}",
                    advice="Raise the context, or ask about fewer pages (--context, --over map).",
                )
            return
        text, counter = self.plan.long_text, self.plan.counter
        if counter is None:
            least = len(text) // 6
            if added < least:
                yield self._truncated(added, f"at least {least:,}")
            return
        wanted = counter.count(text)
        if abs(added - wanted) <= JOINS:
            return
        if self.cut_at is not None:
            yield self._truncated(added, f"{wanted:,}")
            return
        names = _vocabularies(text, added)
        yield self.finding(
            "other-vocabulary",
            "long text",
            f"a text takes {added:,} tokens" + (f", as with the vocabulary of {' or '.join(names)}" if names else ""),
            predicted=f"{wanted:,} with {counter.name}",
            advice="Another model is behind the name, or --vision and --tokenizer name another one.",
        )

    def _truncated(self, added: int, wanted: str) -> Finding:
        return self.finding(
            "truncated",
            "long text",
            f"a long text takes {added:,} tokens",
            predicted=wanted,
            advice="The server cuts long prompts without a word. Raise its context.",
        )

    def _pages(self, seen: list[tuple[tuple[int, int], int]], found: list[Explanation]) -> Iterator[Finding]:
        for name in _SINGLE:
            yield from self._refused_image(name, self.plan.sizes["page" if name == "blank" else name])
        if found:
            yield self._count_finding(found, seen)
        blank, page = self.extra("blank"), self.extra("page")
        if blank is not None and page is not None and abs(blank - page) > 1:
            yield self.finding(
                "content-decides",
                "page",
                f"a full page takes {page:,} tokens, a blank one of the same size {blank:,}",
                predicted="the same",
                advice="Images are cropped or recompressed on the way: look for a proxy that does so.",
            )
        if found and found[0].kind != "counted-again":
            return  # the counts of several pages would say the same again
        yield from self._together(seen, found)

    def _refused_image(self, name: str, size: tuple[int, int]) -> Iterator[Finding]:
        seen = self.seen.get(name)
        if seen is None or not seen.refusal or "small" not in self.seen:
            return  # without "small", no image is taken at all
        try:
            tokens = self.plan.model.image(*size).tokens
        except VisionModelError:
            return
        kind = "encoder-cache" if _ENCODER.search(seen.refusal) else "size-refused"
        long = self.seen.get("long text")
        if kind == "size-refused" and long is not None and long.refusal:
            return  # a text of as many tokens is refused too
        yield self.finding(
            kind,
            name,
            f"an image of {size[0]}×{size[1]} px is refused: {seen.refusal}",
            predicted=f"{tokens:,} tokens",
            advice="Raising --limit-mm-per-prompt does not help." if kind == "encoder-cache" else "Use smaller pages.",
        )

    def _count_finding(self, found: list[Explanation], seen: list[tuple[tuple[int, int], int]]) -> Finding:
        counted = ", ".join(f"{width}×{height} px: {extra:,}" for (width, height), extra in seen)
        own = ", ".join(f"{self.plan.model.image(*size).prompt_tokens:,}" for size, _ in seen)
        best = found[0]
        advice = ""
        page = self.plan.sizes["page"]
        if best.model is not None:
            here, there = best.model.image(*page), self.plan.model.image(*page)
            if here.tokens != there.tokens:
                advice = (
                    f"Pages of your θ ({page[0]}×{page[1]} px) are charged {here.tokens:,} visual tokens instead of "
                    f"{there.tokens:,}, and seen at {here.size[0]}×{here.size[1]} px."
                )
            else:
                advice = f"Pages of your θ ({page[0]}×{page[1]} px) are charged as predicted, {here.tokens:,}."
        words = "; or ".join(each.words for each in found)
        seen_words = f"{words}. Tokens of images: {counted}"
        # A server with a lower min_pixels that takes small pages as they are is meant so.
        note = (
            best.kind == "min-pixels"
            and best.model is not None
            and enlarged(page, self.plan.model) is not None
            and enlarged(page, best.model) is None
        )
        return self.finding(best.kind, "blank", seen_words, predicted=own, advice=advice, note=note)

    def _together(self, seen: list[tuple[tuple[int, int], int]], found: list[Explanation]) -> Iterator[Finding]:
        """Yield findings from prompts with several images: each must be counted."""
        model = self.plan.several
        times = found[0].times if found else 1
        constant = gap(seen, lambda size: times * self.plan.model.image(*size).prompt_tokens) or 0
        probes = {probe.name: probe for probe in self.plan.probes}
        for name in ("two", "many"):
            extra = self.whole(name)
            if extra is None:
                continue
            images = self.plan.many if name == "many" else 2
            if name == "many" and self.most_images is not None:
                continue
            costs = [times * model.image(*each.size).prompt_tokens for each in probes[name].pictures]
            wanted = sum(costs)
            # A template may number the images of a prompt that has several.
            if abs(extra - wanted - images * constant) <= images * SLACK:
                continue
            kept = [each for each in costs if abs(extra - each) <= 2 * SLACK]
            lost = f", as many as one of them alone ({kept[0]:,})" if kept else ""
            yield self.finding(
                "pages-lost",
                name,
                f"{images} images together take {extra:,} tokens{lost}",
                predicted=f"{wanted:,}",
                advice="The chat template or the server leaves images out. Send one page a request until then.",
            )

    def _cache(self) -> Iterator[Finding]:
        again, moved = self.seen.get("again"), self.seen.get("moved")
        if again is None or again.refusal or self.tokens("again") is None:
            return
        page, whole, cached = self.extra("page") or 0, self.tokens("again") or 0, again.cached_tokens
        if page < _SEEN_BY_CACHE:
            return  # no page is counted, so none can be seen in a cache
        if cached is None:
            yield self.finding(
                "cache-unknown",
                "again",
                "the server does not say how many tokens its cache had",
                note=True,
                advice="Without this, nobody sees whether pages are computed once or for every question.",
            )
            return
        # All requests begin with the template, and with what a gateway puts before them.
        begin = self.seen["long answer"].cached_tokens or 0 if "long answer" in self.seen else 0
        if cached == 0:
            yield self.finding(
                "no-prefix-cache",
                "again",
                f"a page that was sent before takes 0 of {whole:,} tokens from the cache",
                predicted=f"some {page:,}",
                advice="Several questions about one document then cost its pages each time.",
            )
        elif cached - begin < page / 2:
            yield self.finding(
                "pages-not-cached",
                "again",
                f"{cached:,} of {whole:,} tokens come from the cache: text, and no page",
                predicted=f"some {page:,}",
                advice="Some models cache no images (vllm issue 43587), and some caches hash all images together.",
            )
        elif moved is not None and (moved.cached_tokens or 0) - begin > page / 2:
            yield self.finding(
                "pages-moved",
                "moved",
                f"behind a new text, {moved.cached_tokens:,} tokens still come from the cache: the page stands first",
                predicted="none of the page: a prefix that begins with other text is not cached",
                advice="The template puts images before all text, so text before a page does not stand there.",
            )

    def _theta(self, served: VisionModel) -> Iterator[Finding]:
        """Yield a note if the model enlarges or shrinks pages of the user's θ; `served` has the limits that were found.

        A page that is shrunk by the limits of the server alone is told with these limits.
        """
        size = self.plan.sizes["page"]
        try:
            cost = self.plan.model.image(*size)
            words = enlarged_warning([size] * self.plan.images, served)
        except VisionModelError as error:
            yield self.finding("page-refused", "blank", str(error), advice="Use smaller pages.")
            return
        if words:
            there = served.image(*size).size
            seen = f"pages of θ have {size[0]}×{size[1]} px; the server enlarges them to {there[0]}×{there[1]}"
            yield self.finding("page-resized", "blank", seen, advice=words, note=True)
            return
        most = self.plan.model.limits.max_pixels
        if most is not None and size[0] * size[1] > most:
            yield self.finding(
                "page-resized", "blank", note=True,
                seen=f"pages of θ have {size[0]}×{size[1]} px; the model sees {cost.size[0]}×{cost.size[1]}",
                advice=f"Each takes {cost.tokens:,} tokens. Align θ to the model (theta.align_to).",
            )  # fmt: skip

    def wrong_page(self) -> bool:
        """Return whether the second page was answered with the code of the first."""
        second = self.seen.get("other page")
        return second is not None and CODES[0] in second.text and CODES[1] not in second.text


def _vocabularies(text: str, tokens: int) -> list[str]:
    """Return the names of the vocabularies that give this many tokens."""
    names = []
    for name in TOKENIZERS:
        try:
            if abs(tokenizer(name).count(text) - tokens) <= JOINS:
                names.append(name)
        except (DependencyError, TokenizerError):
            continue
    return names


def _own_limits(model: VisionModel) -> str:
    least, most = getattr(model, "min_area", None), getattr(model, "max_area", None)
    if least is None:
        return "those of its published preprocessor_config.json"
    return f'{{"size": {{"shortest_edge": {least}, "longest_edge": {most}}}}}'


def _own_tokens(model: VisionModel) -> str:
    cell, limits = getattr(model, "cell", None), model.limits
    if cell is None or limits.min_pixels is None or limits.max_pixels is None:
        return "the model's own"
    return f"{limits.min_pixels // cell**2} and {limits.max_pixels // cell**2}"
