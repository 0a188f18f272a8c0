"""What a provider's endpoint takes in one request, beside what its models take: dated, and the shape of its messages.

The limits of a model are in `glyphrender.ratio`; those here are of the machine in between, which may be another's
(Claude through Bedrock). The tighter of both holds, and is held to before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias, get_args

from glyphrender.errors import EndpointError
from glyphrender.models.model import Limits, VisionModel

__all__ = ["PROVIDERS", "Form", "Provider", "provider"]

#: The shapes of messages: chat completions, OpenAI's Responses, Anthropic's Messages, Gemini's generateContent, and the
#: messages that chat templates of transformers take.
Form: TypeAlias = Literal["openai", "responses", "anthropic", "gemini", "transformers"]
FORMS: Final[tuple[str, ...]] = get_args(Form)

CHECKED = "2026-11"


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """Where requests go.

    Attributes:
        name: the name `provider` knows it by.
        form: the shape of its messages.
        limits: of a request; only `max_images`, `max_bytes`, `max_side` and `max_side_of_many` are looked at.
        max_image_bytes: bytes of one image, in base64.
        date: when the limits were last checked, as YYYY-MM; empty where there are none.
        source: where they are from.
    """

    name: str
    form: Form
    limits: Limits = field(default_factory=Limits)
    max_image_bytes: int | None = None
    date: str = ""
    source: str = "the server's own flags and the model's limits"

    def caps(self, model: VisionModel) -> Limits:
        """The limits of a request to `model` here: the tighter of both."""
        tighter = {}
        for each in fields(Limits):
            ours, its = getattr(self.limits, each.name), getattr(model.limits, each.name)
            known = [limit for limit in (ours, its) if limit is not None]
            tighter[each.name] = min(known) if known else None
        return Limits(**tighter)


_BEDROCK = Limits(max_images=20, max_side=8000, max_bytes=20_000_000)
_PROVIDERS: Final = (
    Provider(name="openai", form="openai"),
    Provider(name="responses", form="responses"),
    Provider(
        name="anthropic",
        form="anthropic",
        limits=Limits(max_images=600, max_bytes=32_000_000, max_side=8000, max_side_of_many=(20, 2000)),
        max_image_bytes=10_000_000,
        date=CHECKED,
        source="Claude documentation, Vision: General limits; images of 100 for models with 200,000 tokens of context",
    ),
    Provider(
        name="bedrock",
        form="anthropic",
        limits=_BEDROCK,
        max_image_bytes=5_000_000,
        date=CHECKED,
        source="Amazon Bedrock, API reference of Message (20 images of 3.75 MB) and Anthropic Claude Messages (20 MB)",
    ),
    Provider(
        name="gemini",
        form="gemini",
        limits=Limits(max_images=3600, max_bytes=20_000_000),
        date=CHECKED,
        source="Gemini API documentation, Image understanding: inline data",
    ),
    Provider(name="transformers", form="transformers"),
)
PROVIDERS: Final[Mapping[str, Provider]] = {each.name: each for each in _PROVIDERS}
"""Providers by name. "openai" is every server of that kind: vLLM, SGLang, transformers serve, OpenAI's own."""

_BY_FAMILY: Final = {"claude": "anthropic", "gemini": "gemini"}


def provider(source: str | Provider | None, model: VisionModel) -> Provider:
    """The provider of this name; a provider is itself; by default the one whose model it is, else "openai".

    Raises:
        EndpointError: there is none; the message lists the names.
    """
    if isinstance(source, Provider):
        return source
    name = _BY_FAMILY.get(model.family, "openai") if source is None else source.lower()
    found = PROVIDERS.get(name)
    if found is None:
        raise EndpointError(f"provider={source!r} is not known. Use one of: {', '.join(PROVIDERS)}.")
    return found
