"""The limits of each provider's endpoint on one request, with a date, and the message format of the provider.

The limits of a model are in `glyphrender.models`. The limits here belong to the company that serves the model, which
may not be the company that made it (Claude through Bedrock). The tighter limit of the two holds. It is checked before
anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from glyphrender.errors import EndpointError
from glyphrender.models.model import Limits, VisionModel

__all__ = ["PROVIDERS", "MessageFormat", "Provider", "provider", "provider_at"]

#: The message formats: chat completions, OpenAI's Responses, Anthropic's Messages, Gemini's generateContent, and the
#: messages that chat templates of transformers take.
MessageFormat: TypeAlias = Literal["openai", "responses", "anthropic", "gemini", "transformers"]

CHECKED = "2026-11"


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A place to which requests are sent.

    Attributes:
        name: the name by which the function `provider` finds this provider.
        format: the format of its messages.
        limits: limits of a request. Only `max_images`, `max_bytes`, `max_side` and `max_side_of_many` are used.
        max_image_bytes: most bytes of one image, in base64.
        takes_ids: whether the server takes a `uuid` beside an image, see `image_id`.
        hosts: the hosts of its API. A host also stands for all hosts below it.
        date: month in which the limits were last checked, as YYYY-MM; empty if there are no limits.
        source: document from which the limits are taken.
    """

    name: str
    format: MessageFormat
    limits: Limits = field(default_factory=Limits)
    max_image_bytes: int | None = None
    takes_ids: bool = False
    hosts: tuple[str, ...] = ()
    date: str = ""
    source: str = "the server's own flags and the model's limits"

    def caps(self, model: VisionModel) -> Limits:
        """Return the limits of a request to `model` at this provider: the tighter of both, field by field."""
        tighter = {}
        for each in fields(Limits):
            here, there = getattr(self.limits, each.name), getattr(model.limits, each.name)
            known = [limit for limit in (here, there) if limit is not None]
            tighter[each.name] = min(known) if known else None
        return Limits(**tighter)


_BEDROCK = Limits(max_images=20, max_side=8000, max_bytes=20_000_000)
_PROVIDERS: Final = (
    Provider(name="openai", format="openai"),
    Provider(
        name="vllm", format="openai", takes_ids=True, source="vLLM documentation, Multimodal Inputs: Online Serving"
    ),
    Provider(
        name="openai-api",
        format="openai",
        limits=Limits(max_images=1500, max_bytes=512_000_000),
        hosts=("api.openai.com",),
        date=CHECKED,
        source="OpenAI documentation, Images and vision: image input requirements, since 2026-04 (before: 500, 50 MB)",
    ),
    Provider(
        name="groq",
        format="openai",
        limits=Limits(max_bytes=4_000_000),
        hosts=("api.groq.com",),
        date=CHECKED,
        source="Groq documentation, Images and vision: request size limit of images in base64",
    ),
    Provider(
        name="openrouter",
        format="openai",
        limits=Limits(max_bytes=30_000_000),
        hosts=("openrouter.ai",),
        date=CHECKED,
        source="its error 413 (image content cannot exceed 30MB), artokun/comfyui-mcp issue 2221, 2026-08",
    ),
    Provider(
        name="alibaba",
        format="openai",
        limits=Limits(max_bytes=6_291_456),
        hosts=("aliyuncs.com",),
        date=CHECKED,
        source="its error TooLarge (max bytes to request body), anomalyco/opencode issue 35112, 2026-07",
    ),
    Provider(
        name="copilot",
        format="openai",
        limits=Limits(max_bytes=4_440_000),
        hosts=("githubcopilot.com",),
        date=CHECKED,
        source="measured by lidge-jun/opencodex pull request 4119, 2026-09: 4.44 MB went through, 5.47 MB did not",
    ),
    Provider(name="responses", format="responses"),
    Provider(
        name="anthropic",
        format="anthropic",
        limits=Limits(max_images=600, max_bytes=32_000_000, max_side=8000, max_side_of_many=(20, 2000)),
        max_image_bytes=10_000_000,
        date=CHECKED,
        source="Claude documentation, Vision: General limits; 100 images for models with 200,000 tokens of context",
    ),
    Provider(
        name="bedrock",
        format="anthropic",
        limits=_BEDROCK,
        max_image_bytes=5_000_000,
        date=CHECKED,
        source="Amazon Bedrock, API reference of Message (20 images of 3.75 MB) and Anthropic Claude Messages (20 MB)",
    ),
    Provider(
        name="vertex",
        format="anthropic",
        limits=Limits(max_images=600, max_bytes=30_000_000, max_side=8000, max_side_of_many=(20, 2000)),
        max_image_bytes=10_000_000,
        date=CHECKED,
        source="Claude documentation, Claude on Vertex AI: request payloads; the rest as at Anthropic",
    ),
    Provider(
        name="gemini",
        format="gemini",
        limits=Limits(max_images=3600, max_bytes=20_000_000),
        date=CHECKED,
        source="Gemini API documentation, Image understanding: inline data (File input methods says 100 MB)",
    ),
    Provider(name="transformers", format="transformers"),
)
PROVIDERS: Final[Mapping[str, Provider]] = {each.name: each for each in _PROVIDERS}
"""Providers by name. "openai" is every server of that kind whose limits are not known; "openai-api" is OpenAI's own."""

_BY_FAMILY: Final = {"claude": "anthropic", "gemini": "gemini"}


def provider(source: str | Provider | None, model: VisionModel) -> Provider:
    """Return the provider that `source` names.

    >>> from glyphrender.models.vision import vision_model
    >>> provider(None, vision_model("claude")).name, provider("bedrock", vision_model("claude")).max_image_bytes
    ('anthropic', 5000000)

    Args:
        source: a name in `PROVIDERS`; a provider, which is returned as it is; or None for the provider of `model`, or
            "openai" if `model` has no provider.
        model: the model that is asked.

    Raises:
        EndpointError: there is no provider of that name.
    """
    if isinstance(source, Provider):
        return source
    name = _BY_FAMILY.get(model.family, "openai") if source is None else source.lower()
    found = PROVIDERS.get(name)
    if found is None:
        raise EndpointError(f"provider={source!r} is not known. Use one of: {', '.join(PROVIDERS)}.")
    return found


def provider_at(url: str) -> Provider:
    """Return the provider whose API is at this address; "openai", which has no limits, if none is known there.

    >>> provider_at("https://api.groq.com/openai/v1").name, provider_at("http://127.0.0.1:8000/v1").name
    ('groq', 'openai')
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # no URL; the client will say so
        host = ""
    at_host = (each for each in _PROVIDERS if any(f".{host}".endswith(f".{known}") for known in each.hosts))
    return next(at_host, PROVIDERS["openai"])
