"""`Sample`: what a model sees of one training example, in order: stretches of text, and texts that it sees as pages.

Every task of training makes samples: transcription, interleaved text, chats. One collator makes batches of them. A
sample holds no pixels: a page is its text and its θ, and the sizes of pages follow from layout alone. So the visual
tokens of a sample are known before anything is drawn. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeAlias

from glyphrender.document.layout import layout_each
from glyphrender.document.page import Page
from glyphrender.errors import DataError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta

__all__ = ["Pages", "Sample", "SamplePart", "Text", "laid_out", "page_sizes", "visual_tokens"]


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of text that the model sees as text.

    Attributes:
        text: the characters.
        learn: whether the model is trained to write them.
        markup: whether special tokens in `text` stand for themselves, as in a rendered chat template. If not,
            "<|user|>" in a text of a corpus is nine characters and no turn.
    """

    text: str
    _: KW_ONLY
    learn: bool = False
    markup: bool = False


@dataclass(frozen=True, slots=True)
class Pages:
    """A text that the model sees as pages, each in the markup of its processor.

    Attributes:
        text: the characters.
        theta: how the pages are rendered.
    """

    text: str
    theta: Theta = field(default_factory=Theta)


SamplePart: TypeAlias = Text | Pages


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One training example.

    Attributes:
        parts: what the model sees, in order.
        key: names the example in messages, and tells it apart from others.
        kind: the task that it belongs to, such as "ocr".
        ends: whether the text ends here, so that the model learns to stop after a last part that is learned. False for
            a piece that was cut out of a longer text.

    Raises:
        DataError: a part is neither `Text` nor `Pages`, or there is none.

    >>> verse = "In the beginning was the Word."
    >>> sample = Sample(parts=(Pages(verse), Text("Read the page.\\n"), Text(verse, learn=True)), key="john")
    >>> visual_tokens(sample, "glm-4.1v")
    14
    """

    parts: tuple[SamplePart, ...]
    key: str = ""
    kind: str = ""
    ends: bool = True

    def __post_init__(self) -> None:
        if wrong := [part for part in self.parts if not isinstance(part, Text | Pages)]:
            raise DataError(f"sample {shown(self.key)}: {shown(wrong[0])} is no part. Give Text or Pages.")
        if not self.parts:
            raise DataError(f"sample {shown(self.key)} has no parts. Give Text and Pages.")

    @property
    def pages(self) -> tuple[Pages, ...]:
        """The parts that the model sees as pages, in order."""
        return tuple(part for part in self.parts if isinstance(part, Pages))

    @property
    def learned(self) -> str:
        """The text that the model is trained to write, all stretches together."""
        return "".join(part.text for part in self.parts if isinstance(part, Text) and part.learn)


def laid_out(samples: Sequence[Sample]) -> list[list[tuple[Page, ...]]]:
    """Return, for each sample, the pages of each of its `pages`. None is drawn yet.

    Texts that share θ are laid out together, which costs a tenth for short texts; the pages are those that each text
    has alone (`glyphrender.layout_each`).

    Raises:
        FontError, LayoutError: see `glyphrender.layout`.
    """
    by_theta: dict[Theta, dict[str, tuple[Page, ...]]] = {}
    for sample in samples:
        for pages in sample.pages:
            by_theta.setdefault(pages.theta, {})[pages.text] = ()
    for theta, texts in by_theta.items():
        texts.update(zip(texts, map(tuple, layout_each(list(texts), theta)), strict=True))
    return [[by_theta[pages.theta][pages.text] for pages in sample.pages] for sample in samples]


def page_sizes(sample: Sample) -> tuple[tuple[int, int], ...]:
    """Return width and height, in pixels, of every page of a sample, in order. No page is drawn.

    Raises:
        FontError, LayoutError: see `glyphrender.layout`.
    """
    return tuple(page.size for pages in laid_out([sample])[0] for page in pages)


def visual_tokens(sample: Sample, vision: str | VisionModel) -> int:
    """Return the tokens that a vision model spends on the pages of a sample; start and end marks are not counted.

    Args:
        sample: the sample. Its pages are laid out, but not drawn.
        vision: the model, or its name (`glyphrender.models.vision_model`).

    Raises:
        VisionModelError: there is no such model, or it refuses a page of this size.
        FontError, LayoutError: see `glyphrender.layout`.
    """
    model = vision_model(vision)
    return sum(model.image(width, height).tokens for width, height in page_sizes(sample))
