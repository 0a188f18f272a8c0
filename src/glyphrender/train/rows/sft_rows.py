"""Chat rows → samples for supervised fine-tuning: instruction, pages, response; and the auxiliary task, reading aloud.

The processor's own chat template is rendered with marks in place of the texts. So the template writes what it writes at
inference, thoughts of earlier turns left out if it leaves them out, and the texts of the data stay what they are: a
"<|user|>" inside a document begins no turn, and the answer keeps its thoughts and its spaces. Only the answer is
learned, with the token that ends it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from glyphrender.adapters.collator import render_chat
from glyphrender.adapters.data import PagesTransform
from glyphrender.adapters.theta_sources import ThetaSource
from glyphrender.errors import DataError, shown
from glyphrender.theta import Theta, ThetaLike
from glyphrender.train.rows.chat_forms import ChatTurn
from glyphrender.train.rows.chat_rows import ChatRow
from glyphrender.train.rows.collate import image_markup
from glyphrender.train.rows.kinds import COPY_PAGES
from glyphrender.train.rows.page_policy import PageText
from glyphrender.train.rows.sample import Pages, Sample, SamplePart, Text

__all__ = ["ChatTemplate", "Learn", "SftSamples"]

Learn: TypeAlias = Literal["last", "all"]

# Marks that models think in and box answers with. A tokenizer has each as one token, so they are written as marks.
_TAGS: Final = re.compile(r"(</?(?:think|answer)>|<\|(?:begin|end)_of_box\|>)")
# Stands for text number n. These are characters of a private use area; the text itself is never rendered.
_MARK: Final = re.compile("\ue000(\\d+)\ue001")
_THINK: Final = "<think>"
_THOUGHTS: Final = re.compile(r"<think>.*?</think>\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class SftSamples:
    """The samples of one epoch, by index: a sequence for `SFTTrainer`, torch's DataLoader and `SampleCollator`.

    Everything follows from (`seed`, epoch, index), whatever the process. The first `len(rows)` samples are the rows.
    After them come those of the auxiliary task: a piece of a document, read aloud.

    Attributes:
        rows: the rows.
        processor: the processor of the model, for its chat template.
        theta: θ of all pages, or a `ThetaSource` such as `Sampled()`, drawn for each row and epoch.
        seed: seed of everything random.
        learn: "last": the loss is on the last answer. "all": on every answer of a chat; the template must then render
            an earlier answer as it renders a last one.
        keep_thinking: whether the thoughts of an answer are learned. If not, <think> … </think> is left out.
        ocr_weight: share of the samples that belong to the auxiliary task, from 0 to 0.95.
        ocr_texts: texts that are read aloud; if there are none, the documents of the rows.
        ocr_characters: most characters of a piece that is read aloud.

    Raises:
        DataError: there are no rows, a number is out of range, or the auxiliary task has no document to read.
        ThetaError: θ is not valid.
    """

    rows: Sequence[ChatRow]
    processor: Any
    theta: ThetaLike | ThetaSource = field(default_factory=Theta)
    seed: int = 0
    learn: Learn = "last"
    keep_thinking: bool = True
    ocr_weight: float = 0.0
    ocr_texts: Sequence[str] = ()
    ocr_characters: int = 1_500
    _template: ChatTemplate = field(init=False, repr=False, compare=False)
    _pages: PagesTransform = field(init=False, repr=False, compare=False)
    _documents: list[tuple[str, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not len(self.rows):
            raise DataError("there are no rows. Give at least one.")
        if not 0 <= self.ocr_weight <= 0.95:
            raise DataError(f"ocr_weight={self.ocr_weight} is out of range. Use a share from 0 to 0.95.")
        if self.ocr_characters < 1:
            raise DataError(f"ocr_characters={self.ocr_characters} leaves nothing to read. Use 1 or more.")
        if self.learn not in ("last", "all"):
            raise DataError(f"learn={shown(self.learn)} is unknown. Use last or all.")
        documents = [(f"text {number}", text) for number, text in enumerate(self.ocr_texts)] or [
            (f"{row.key}/{number}", text) for row in self.rows for number, text in enumerate(row.documents)
        ]
        documents = [(key, text) for key, text in documents if text.strip()]
        if self.ocr_weight and not documents:
            raise DataError(f"ocr_weight={self.ocr_weight}, but no row has pages to read. Use 0, or give ocr_texts.")
        object.__setattr__(self, "_template", ChatTemplate(self.processor))
        object.__setattr__(self, "_documents", documents)
        object.__setattr__(self, "_pages", PagesTransform(theta=self.theta, key="key", seed=self.seed))

    def __len__(self) -> int:
        """Return the number of samples of an epoch."""
        return len(self.rows) + round(self.ocr_weight / (1 - self.ocr_weight) * len(self.rows))

    @property
    def epoch(self) -> int:
        """The epoch that samples are drawn for; 0 at first."""
        return self._pages.epoch

    def set_epoch(self, epoch: int) -> None:
        """Draw θ and the pieces of the auxiliary task for `epoch` from now on, in the workers of this process too."""
        self._pages.set_epoch(epoch)

    def __getitem__(self, index: int) -> Sample:
        """Return the sample of this index.

        Raises:
            IndexError: there is no such sample.
            DataError: the chat template has no use for the row; the message names the row.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"there is no sample {index} among {len(self)}.")
        if index >= len(self.rows):
            return self._read_aloud(index)
        row = self.rows[index]
        if not self.keep_thinking:
            row = row.with_response(_THOUGHTS.sub("", row.response))
        theta = self._pages.theta_of({"key": row.key})
        parts = self._template.parts(row, theta, learn=self.learn)
        return Sample(parts=parts, key=row.key, kind=row.kind or "chat")

    def __iter__(self) -> Iterator[Sample]:
        """Return an iterator over the samples of this epoch."""
        return (self[index] for index in range(len(self)))

    def _read_aloud(self, index: int) -> Sample:
        rng = random.Random(f"{self.seed}/{self.epoch}/{index}/read aloud")
        key, document = self._documents[rng.randrange(len(self._documents))]
        text = _piece(document, self.ocr_characters, rng)
        turns = (ChatTurn("user", (PageText(text), COPY_PAGES)), ChatTurn("assistant", (text,)))
        row = ChatRow(turns=turns, key=f"{key}/ocr")
        theta = self._pages.theta_of({"key": f"{row.key}/{index}"})
        return Sample(parts=self._template.parts(row, theta), key=row.key, kind="ocr")


class ChatTemplate:
    """The chat template of a processor, which makes parts of a sample out of turns.

    Args:
        processor: a processor of transformers for text and images.

    Raises:
        DataError: the processor has no chat template, or the template has no markup of images.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._pieces = re.compile(f"{_MARK.pattern}|(?P<image>{re.escape(image_markup(processor))})")

    def parts(self, row: ChatRow, theta: Theta, *, learn: Learn = "last") -> tuple[SamplePart, ...]:
        """Return what the model sees of a row, with the answer, or all answers, to learn.

        Raises:
            DataError: the template leaves out a text or a document of the row, or with learn="all", it renders an
                earlier answer otherwise than a last one.
        """
        chat = _Marked(row.turns)
        if learn == "all":
            stretches = list(self._answers(chat, row))
        else:
            stretches = [(self._rendered(chat, len(row.prompt), answer=True), False)]
        parts = [part for text, learned in stretches for part in self._filled(text, chat, theta, learned)]
        self._check(row.prompt, parts, chat, row.key)
        if learn == "last":
            parts += _answer(row.response, opened=stretches[0][0].rstrip().endswith(_THINK))
        elif isinstance(parts[-1], Text) and parts[-1].markup:
            # "<|im_end|>\n": the newline after the last end is not learned, and the end is not written twice.
            parts[-1] = Text(parts[-1].text.rstrip(), learn=parts[-1].learn, markup=True)
        return tuple(part for part in parts if isinstance(part, Pages) or part.text)

    def _rendered(self, chat: _Marked, turns: int, *, answer: bool = False) -> str:
        return render_chat(self._processor, chat.messages[:turns], answer=answer)

    def _answers(self, chat: _Marked, row: ChatRow) -> Iterator[tuple[str, bool]]:
        """Yield stretches of the rendered chat, and whether they are learned."""
        whole = self._rendered(chat, len(row.turns))
        place = 0
        for number, turn in enumerate(row.turns):
            if turn.role != "assistant":
                continue
            before = self._rendered(chat, number, answer=True)
            after = self._rendered(chat, number + 1)
            if not whole.startswith(before) or not whole.startswith(after):
                raise DataError(
                    f"row {shown(row.key)}: the chat template renders answer {number} otherwise than at the end of a "
                    'chat. Make a row of each answer (chat_rows(answers="each")), and use learn="last".'
                )
            yield whole[place : len(before)], False
            yield whole[len(before) : len(after)], True
            place = len(after)
        yield whole[place:], False

    def _filled(self, text: str, chat: _Marked, theta: Theta, learn: bool) -> Iterator[SamplePart]:
        """Yield the parts of rendered text, with the texts of the chat in the places of their marks."""
        place = 0
        for match in self._pieces.finditer(text):
            yield Text(text[place : match.start()], learn=learn, markup=True)
            place = match.end()
            if match["image"]:
                yield Pages(chat.next_document(), theta)
            else:
                yield Text(chat.texts[int(match[1])], learn=learn)
        yield Text(text[place:], learn=learn, markup=True)

    def _check(self, prompt: Sequence[ChatTurn], parts: Sequence[SamplePart], chat: _Marked, key: str) -> None:
        """Refuse a template that leaves out what the model is to see. Thoughts of earlier turns may be left out."""
        seen = {part.text for part in parts}
        for turn in prompt:
            for part in turn.parts:
                text = part.text if isinstance(part, PageText) else part
                if turn.role != "assistant" and text not in seen:
                    raise DataError(
                        f"row {shown(key)}: the chat template leaves out a text of the {turn.role} ({shown(text)}). "
                        "Use a template that writes it, or leave such turns out."
                    )


class _Marked:
    """The turns of a row as messages, with marks in place of their texts."""

    def __init__(self, turns: Sequence[ChatTurn]) -> None:
        self.texts: list[str] = []
        self.messages: list[dict[str, Any]] = []
        documents = []
        for turn in turns:
            content: list[dict[str, str]] = []
            for part in turn.parts:
                if isinstance(part, PageText):
                    documents.append(part.text)
                    content.append({"type": "image"})
                else:
                    content.append({"type": "text", "text": self._marked(part, tags=turn.role == "assistant")})
            self.messages.append({"role": turn.role, "content": content})
        self._documents = iter(documents)

    def next_document(self) -> str:
        """Return the text of the next document.

        Raises:
            DataError: the template wrote more images than there are documents.
        """
        document = next(self._documents, None)
        if document is None:
            raise DataError("the chat template writes more images than the chat has. Use another template.")
        return document

    def _marked(self, text: str, *, tags: bool) -> str:
        """Return the mark of `text`. The tags of an answer stay, because templates look for them."""
        pieces = _TAGS.split(text) if tags else [text]
        marks = []
        for number, piece in enumerate(pieces):
            if number % 2:
                marks.append(piece)
            elif piece:
                marks.append(f"\ue000{len(self.texts)}\ue001")
                self.texts.append(piece)
        return "".join(marks)


def _answer(text: str, *, opened: bool) -> list[SamplePart]:
    """Return the parts of an answer to learn. `opened`: the prompt ends with <think>, so the answer begins inside."""
    if opened:
        begun = text.lstrip()
        text = begun.removeprefix(_THINK) if begun.startswith(_THINK) else f"</think>\n{text}"
    return [Text(piece, learn=True, markup=bool(number % 2)) for number, piece in enumerate(_TAGS.split(text)) if piece]


def _piece(text: str, most: int, rng: random.Random) -> str:
    """Return a piece of `text` of at most `most` characters, which begins and ends where lines or words do."""
    if len(text) <= most:
        return text.strip("\n")
    starts = [0] + [match.end() for match in re.finditer(r"\n", text[: len(text) - most])]
    start = rng.choice(starts)
    piece = text[start : start + most]
    if start + most < len(text):
        end = max(piece.rfind("\n"), 0) or max(piece.rfind(" "), 0) or most
        piece = piece[:end]
    return piece.strip("\n") or text[start : start + most].strip() or text.strip()[:most]
