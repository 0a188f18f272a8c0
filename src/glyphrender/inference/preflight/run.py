"""Run a preflight: send the probes one after another, ask further where one fails, and return what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from glyphrender.errors import EndpointError
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.preflight.exchange import Listing, Observation, exchange, listing
from glyphrender.inference.preflight.findings import Finding
from glyphrender.inference.preflight.judge_counts import JOINS, Observations
from glyphrender.inference.preflight.judge_replies import reply_findings
from glyphrender.inference.preflight.probes import QUESTION, PreflightPlan, Probe, ProbeImage

__all__ = ["PreflightReport", "preflight"]

# Probes whose refusal no other finding speaks of.
_PLAIN: Final = ("system", "long answer", "page", "again", "moved", "other page", "two")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreflightReport:
    """The observations and findings of a preflight.

    Attributes:
        model: name of the model on the server.
        url: address of the server, without secrets.
        plan: the plan.
        listing: the models that the server lists.
        probes: the requests that were sent.
        observations: what came of them, in the same order.
        findings: faults first, then notes.
    """

    model: str
    url: str
    plan: PreflightPlan
    listing: Listing
    probes: tuple[Probe, ...]
    observations: tuple[Observation, ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return the findings that are faults. A server without faults is configured well."""
        return tuple(each for each in self.findings if each.severity == "fault")

    @property
    def context(self) -> int | None:
        """Return the tokens of the context that the server lists; None if it lists none."""
        return self.listing.contexts.get(self.model)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "model": self.model,
            "server": self.url,
            "program": self.listing.program,
            "vision": self.plan.model.name,
            "tokenizer": self.plan.counter.name if self.plan.counter else None,
            "theta": self.plan.theta.digest,
            "page": list(self.plan.sizes["page"]),
            "context": self.context,
            "clean": not self.faults,
            "findings": [each.to_dict() for each in self.findings],
            "probes": [
                {
                    "probe": seen.probe,
                    "our_tokens": probe.tokens,
                    "prompt_tokens": seen.prompt_tokens,
                    "cached_tokens": seen.cached_tokens,
                    "completion_tokens": seen.completion_tokens,
                    "finish_reason": seen.finish_reason,
                    "refusal": seen.refusal,
                    "answer": seen.text,
                    "reasoning": seen.reasoning,
                    "seconds": round(seen.seconds, 3),
                }
                for probe, seen in zip(self.probes, self.observations, strict=True)
            ],
        }


def preflight(
    endpoint: Endpoint, plan: PreflightPlan, *, progress: Callable[[Observation], object] = lambda _: None
) -> PreflightReport:
    """Send the probes of a plan to a server, and return what they show.

    The probes are sent in a fixed order, one at a time. Some failures are asked about further: a refused picture is
    sent again as RGB, a refused number of images is halved until it fits, and an eighth of a text is sent whose count
    differs.

    Args:
        endpoint: the server and the model. If the model is left out, the server must list one only.
        plan: what is sent.
        progress: called with each observation.

    Raises:
        EndpointError: the server cannot be reached, refuses the key, or does not answer a question of one line.
        DependencyError: the package openai is not installed.
    """
    listed = listing(endpoint)
    name = endpoint.model or (next(iter(listed.contexts)) if len(listed.contexts) == 1 else endpoint.only_model())
    sending = _Sending(replace(endpoint, model=name, retries=0), plan, progress)
    sending.all()
    evidence = Observations(plan=plan, seen=sending.seen, program=listed.program, most_images=sending.most_images)
    found = [
        *reply_findings(evidence, listed=tuple(listed.contexts), model=name),
        *sending.findings(evidence),
        *evidence.findings(),
    ]
    return PreflightReport(
        model=name,
        url=endpoint.url,
        plan=plan,
        listing=listed,
        probes=tuple(sending.sent[probe] for probe in sending.seen),
        observations=tuple(sending.seen.values()),
        findings=tuple(sorted(found, key=lambda each: each.severity == "note")),
    )


class _Sending:
    """The probes on their way: what was sent, what was seen, and what follows from a failure."""

    def __init__(self, endpoint: Endpoint, plan: PreflightPlan, progress: Callable[[Observation], object]) -> None:
        self.endpoint, self.plan, self.progress = endpoint, plan, progress
        self.seen: dict[str, Observation] = {}
        self.sent: dict[str, Probe] = {}
        self.most_images: int | None = None
        self.grey_refused = ""
        self.images_refused = ""
        self.died = ""

    def all(self) -> None:
        """Send all probes, and those that follow from failures."""
        color = False
        for probe in self.plan.probes:
            if self.died or (self.images_refused and probe.pictures):
                continue
            seen = self.send(_colored(probe) if color and probe.pictures else probe)
            if probe.name == "text" and seen.refusal:
                raise self.endpoint.server.error(
                    f"{self.endpoint.url} does not answer a question of one line ({seen.refusal}). Mend this first; "
                    "see its log.",
                    status=seen.status,
                )
            if probe.name == "blank" and seen.refusal:
                color = self._tried_in_color(probe, seen)
            if probe.name == "long text":
                self._part_of_text(seen)
            if probe.name == "many" and seen.refusal and not self.died:
                self.most_images = self._most_images(probe)

    def send(self, probe: Probe) -> Observation:
        """Send one probe and keep what came of it. If the server cannot be reached any more, note so."""
        messages = probe.messages(self.plan.model)
        try:
            seen = exchange(self.endpoint, probe.name, messages, probe.limit, probe.stream)
        except EndpointError as error:
            if not self.seen:
                raise
            seen = Observation(probe=probe.name, refusal=str(error), status=error.status)
            self.died = probe.name
        self.seen[probe.name], self.sent[probe.name] = seen, probe
        self.progress(seen)
        return seen

    def findings(self, evidence: Observations) -> Iterator[Finding]:
        """Yield the findings from refusals."""
        if self.died:
            words = self.seen[self.died].refusal
            yield evidence.finding("server-died", self.died, words, advice="See its log: memory may have run out.")
        if self.images_refused:
            yield evidence.finding(
                "images-refused",
                "blank",
                f"an image is refused: {self.images_refused}",
                advice="The model reads text only, or its vision part is not loaded.",
            )
        if self.grey_refused:
            yield evidence.finding(
                "grey-refused",
                "blank",
                f"a grey PNG of 4 bits is refused, one of RGB is taken: {self.grey_refused}",
                advice="Send 8 bits (`ask --bits 8`), or RGB, and see which the server takes.",
            )
        if self.most_images is not None:
            yield evidence.finding(
                "too-many-images",
                "many",
                f"{self.plan.many} images are refused ({self.seen['many'].refusal}); {self.most_images} are taken",
                predicted=f"{self.plan.many} images in a request",
                advice=f"Raise the limit of the server, or pass --max-images {self.most_images} to `ask`.",
            )
        for name in _PLAIN:
            seen = self.seen.get(name)
            if seen is None or not seen.refusal or name == self.died or (self.most_images == 1 and name == "two"):
                continue
            yield evidence.finding(
                "probe-refused", name, f"the request is refused: {seen.refusal}", advice="See its log."
            )

    def _tried_in_color(self, probe: Probe, refused: Observation) -> bool:
        """Send a refused blank page again as RGB, and return whether that is taken."""
        seen = self.send(_colored(probe))
        if seen.refusal:
            self.images_refused = refused.refusal
        else:
            self.grey_refused = refused.refusal
        return not seen.refusal

    def _part_of_text(self, seen: Observation) -> None:
        base, counter = self.seen["text"].prompt_tokens, self.plan.counter
        if counter is None or base is None or seen.prompt_tokens is None:
            return
        if abs(seen.prompt_tokens - base - counter.count(self.plan.long_text)) > JOINS:
            parts = (f"{self.plan.short_text}\n\n{QUESTION}",)
            part = Probe(name="short text", shows="truncation or vocabulary", parts=parts)
            self.send(replace(part, tokens=self.plan.tokens(part)))

    def _most_images(self, probe: Probe) -> int:
        """Return the most small images that are taken, by halving."""
        taken = 2 if not self.seen["two"].refusal else 1
        refused = self.plan.many
        while refused - taken > 1 and not self.died:
            count = (taken + refused) // 2
            tried = Probe(name=f"{count} images", shows="the most images", parts=(*probe.pictures[:count], QUESTION))
            if self.send(replace(tried, tokens=self.plan.tokens(tried))).refusal:
                refused = count
            else:
                taken = count
        return taken


def _colored(probe: Probe) -> Probe:
    """Return a probe whose blank images are RGB. Pages with text stay as they are: their reading is a note only."""
    parts = tuple(
        ProbeImage.blank(*part.size, color=True) if isinstance(part, ProbeImage) else part for part in probe.parts
    )
    return replace(probe, parts=parts)
