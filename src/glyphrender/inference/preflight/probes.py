"""The requests of a preflight as values: what each sends, how many tokens it should take, and what it shows.

A count of a whole prompt says little, because the chat template adds tokens that are not known here. So counts are
compared by difference: with a page and without, with a long text and without. The template is the same in both. All
pictures are asked about with one question, and their sizes lie where processors differ: below `min_pixels`, wide, at
the size of the user's pages, and large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from glyphrender.document.render import render
from glyphrender.errors import DataError, VisionModelError, shown
from glyphrender.inference.conversation import packed_png
from glyphrender.inference.message_formats import Marks, PackedImage, PackedTurn, chat_messages, detail_of
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import Tokenizer
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.raster.png import encode
from glyphrender.theta import Theta

__all__ = ["CODES", "QUESTION", "SYSTEM", "PreflightPlan", "Probe", "ProbeImage"]

QUESTION: Final = "Which code stands on the page? Answer with the code alone. If there is no page, answer NONE."
ANOTHER: Final = "How many lines does the page have? Answer with a number alone."
LONG: Final = "Write the numbers from 1 to 500, each on a line of its own, and nothing else."
SYSTEM: Final = (
    "You read pages for people who cannot see them. Copy identifiers and numbers as they stand. If a page does not "
    "say, or if a character is not certain, say so in place of a guess. Keep to the language of the question. Give "
    "short answers, without an introduction, without a summary, and without praise."
)
#: The codes on the two pages that have text.
CODES: Final = ("KD4-7093", "XN8-2516")
# Most tokens of answers that are not looked at. OpenAI's own server takes no fewer.
_FEW: Final = 16
LONG_ANSWER: Final = 64
# Largest number of images or tokens of a plan.
_MOST: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class ProbeImage:
    """An image of a probe.

    Attributes:
        size: width and height in pixels.
        data: the PNG: grey, 4 bits, as pages are sent.
    """

    size: tuple[int, int]
    data: bytes = field(repr=False)

    @classmethod
    def blank(cls, width: int, height: int, *, color: bool = False) -> ProbeImage:
        """Return a white image: grey with 4 bits a pixel, or RGB."""
        shape = (height, width, 3) if color else (height, width)
        png = encode(np.full(shape, 255, np.uint8), dpi=72, bits=8 if color else 4)
        return cls((width, height), png)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One request.

    Attributes:
        name: the name by which findings refer to the probe.
        shows: what its answer shows.
        parts: texts and images of the user's turn.
        system: the instruction; empty for none.
        limit: most tokens of the answer.
        stream: whether the answer is asked for piece by piece.
        tokens: tokens of the prompt by our count, without those of the chat template. Where no tokenizer is known, the
            text is counted as a quarter of its bytes.
    """

    name: str
    shows: str
    parts: tuple[str | ProbeImage, ...]
    system: str = ""
    limit: int = _FEW
    stream: bool = False
    tokens: int = 0

    @property
    def pictures(self) -> tuple[ProbeImage, ...]:
        """Return the images of the probe."""
        return tuple(part for part in self.parts if isinstance(part, ProbeImage))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the texts of the user's turn."""
        return tuple(part for part in self.parts if isinstance(part, str))

    def messages(self, model: VisionModel) -> list[dict[str, Any]]:
        """Return the messages of the chat completions API."""
        parts = tuple(PackedImage(part.data, b"") if isinstance(part, ProbeImage) else part for part in self.parts)
        turns = [PackedTurn("system", (self.system,))] if self.system else []
        return chat_messages([*turns, PackedTurn("user", parts)], Marks(detail=detail_of(model)))


@dataclass(frozen=True, kw_only=True)
class PreflightPlan:
    """The requests of a preflight, and what decides them.

    Attributes:
        model: the vision model that should be behind the name.
        theta: θ of the user's pages, aligned to the model if pages will be.
        counter: the model's own tokenizer; None if it is not known. Texts are then not compared.
        images: pages that a request is to hold.
        most: most tokens of a prompt, by our count.
        answer: most tokens of an answer that is read. A model that thinks needs some hundreds.
        nonce: a number that no earlier preflight used, so that a cache cannot know the text that begins with it.

    Raises:
        DataError: a number is too small or too large, or a value has another type.
    """

    model: VisionModel
    theta: Theta
    counter: Tokenizer | None = None
    images: int = 16
    most: int = 8192
    answer: int = 512
    nonce: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if not isinstance(self.model, VisionModel):
            raise DataError(f"model={shown(self.model)} is no VisionModel. Use vision_model(name).")
        if not isinstance(self.theta, Theta):
            raise DataError(f"theta={shown(self.theta)} is no Theta. Use Theta() or Theta.preset(name).")
        for name, least in (("images", 1), ("most", 256), ("answer", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise DataError(f"{name}={shown(value)} is too small. Use an integer from {least}.")
            if value > _MOST:  # a text of half as many tokens is written before the first request
                raise DataError(f"{name}={shown(value)} is too large. Use an integer up to {_MOST}.")

    @property
    def several(self) -> VisionModel:
        """Return the model as it counts images when a prompt has several: some families then cut no tiles."""
        name = f"{self.model.name}-several"
        return vision_model(name) if name in VISION_MODELS else self.model

    @cached_property
    def pages(self) -> tuple[ProbeImage, ProbeImage]:
        """Two pages of one size under θ, full of text, each with its code."""
        theta = self.theta.replace(auto_crop_width=False, auto_crop_last_page=False)
        first, second = (_page(theta, code) for code in CODES)
        return first, second

    @cached_property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """The sizes of blank images: name → width and height in pixels."""
        page = self.pages[0].size
        limits = self.model.limits
        small = 100, 100
        if limits.min_pixels is not None:
            side = math.sqrt(limits.min_pixels) / 2
            small = max(8, round(side * 1.2)), max(8, round(side / 1.2))
        # Longer than a page and of less area, so that a limit on sides can be told from one on pixels.
        wide = round(page[1] * 1.9), round(page[0] * 0.35)
        return {"small": small, "wide": wide, "page": page, "large": self._large(page)}

    def _large(self, page: tuple[int, int]) -> tuple[int, int]:
        """Return the size that takes most tokens, of some that fit: beyond `max_pixels` if that can be."""
        best, most = (page[0] + 5, page[1] + 3), 0
        for scale in (1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0):
            # Models that cut tiles choose them by the aspect.
            for aspect in (1.0, 0.75, 0.5, 1.5):
                size = round(page[0] * scale) + 5, round(page[1] * scale * aspect) + 3
                tokens = self._image_tokens(size)
                if tokens is not None and most < tokens <= 0.75 * self.most:
                    best, most = size, tokens
        return best

    def _image_tokens(self, size: tuple[int, int], model: VisionModel | None = None) -> int | None:
        try:
            return (model or self.model).image(*size).prompt_tokens
        except VisionModelError:
            return None

    @property
    def many(self) -> int:
        """Images of the probe "many": as many small ones as the user's request has pages, within `most` tokens."""
        each = self._image_tokens(self.sizes["small"], self.several) or 1
        return max(2, min(self.images, self.most // each))

    @cached_property
    def long_text(self) -> str:
        """A text of some half of `most` tokens, on which vocabularies differ: letters of many kinds, digits, code."""
        lines: list[str] = []
        length, wanted = 0, self.most // 2
        while length < wanted:
            number = len(lines) + 1
            lines.append(
                f"{number}. Straße {number * 37}, naïve café; 価格は{number * 113}円です. x_{number} = f({number}) + "
                f"0x{number * 2654435761 % 2**32:08x}; Пример № {number * 7}: the quick brown fox."
            )
            length += self.counter.count(lines[-1]) if self.counter else len(lines[-1].encode()) // 3
        return "\n".join(lines)

    @property
    def short_text(self) -> str:
        """The first eighth of the long text, which is sent if the count of the long text is not as predicted."""
        return self.long_text[: len(self.long_text) // 8]

    @cached_property
    def probes(self) -> tuple[Probe, ...]:
        """The requests, in the order in which they are sent."""
        first, second = self.pages
        blank = {name: ProbeImage.blank(*size) for name, size in self.sizes.items()}
        note = f"Note {self.nonce}. " + SYSTEM
        many = (blank["small"],) * self.many
        found = (
            Probe(name="text", shows="usage, finish_reason, thoughts", parts=(QUESTION,), limit=self.answer),
            Probe(name="stream", shows="the same as a stream", parts=(QUESTION,), limit=self.answer, stream=True),
            Probe(name="system", shows="whether an instruction arrives", parts=(QUESTION,), system=SYSTEM),
            Probe(name="long text", shows="vocabulary, silent truncation", parts=(f"{self.long_text}\n\n{QUESTION}",)),
            Probe(name="long answer", shows="max_tokens", parts=(LONG,), limit=LONG_ANSWER),
            Probe(name="blank", shows="tokens of a blank page", parts=(blank["page"], QUESTION)),
            Probe(name="page", shows="tokens of a full page; its code", parts=(first, QUESTION), limit=self.answer),
            Probe(name="again", shows="whether the prefix is cached", parts=(first, ANOTHER)),
            Probe(name="moved", shows="whether pages stay behind the text", parts=(note, first, QUESTION)),
            Probe(name="other page", shows="another code, nothing else", parts=(second, QUESTION), limit=self.answer),
            Probe(name="small", shows="min_pixels", parts=(blank["small"], QUESTION)),
            Probe(name="wide", shows="the rule by which images are resized", parts=(blank["wide"], QUESTION)),
            Probe(name="large", shows="max_pixels, encoder cache", parts=(blank["large"], QUESTION)),
            Probe(name="two", shows="whether every page is counted", parts=(blank["page"], blank["wide"], QUESTION)),
            Probe(name="many", shows="the most images of a request", parts=(*many, QUESTION)),
        )
        return tuple(replace(probe, tokens=self.tokens(probe)) for probe in found)

    def tokens(self, probe: Probe) -> int:
        """Return the tokens of a prompt by our count, without those of the chat template."""
        texts = [probe.system, *probe.texts]
        model = self.several if len(probe.pictures) > 1 else self.model
        images = sum(self._image_tokens(each.size, model) or 0 for each in probe.pictures)
        return images + sum(self.text_tokens(text) for text in texts)

    def text_tokens(self, text: str) -> int:
        """Return the tokens of a text: by the tokenizer, or roughly without one."""
        return self.counter.count(text) if self.counter else len(text.encode()) // 4


def _page(theta: Theta, code: str) -> ProbeImage:
    """Return a page that is full of text, with a code in its middle."""
    line = "The quick brown fox jumps over the lazy dog, and the page goes on. "
    head = f"{line * 3}\n\nThe code of this page is {code}.\n\n"
    page = next(iter(render(iter([head, *(line for _ in range(20_000))]), theta)))  # only the first page is laid out
    return ProbeImage(page.size, packed_png(page))
