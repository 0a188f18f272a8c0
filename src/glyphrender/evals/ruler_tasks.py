"""RULER's 13 tasks: their settings, their templates, and a sample as parts.

Templates and settings are those of NVIDIA/RULER at c3f5e3b (Apache 2.0): scripts/synthetic.yaml and
scripts/data/synthetic/constants.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from glyphrender.errors import DataError

__all__ = ["FAMILIES", "RULER_TASKS", "RulerFamily", "RulerSample", "RulerTask", "split_input"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RulerSample:
    """One sample, in the order in which its parts stand in a prompt.

    Attributes:
        examples: solved examples before the instruction, with their line ends; most tasks have none.
        head: the instruction before the context.
        context: the text in which the answer is.
        tail: the question after the context.
        prefix: the beginning of the answer, which a model of completions continues.
        answers: the texts to be found in the reply.
    """

    examples: str = ""
    head: str
    context: str
    tail: str
    prefix: str
    answers: tuple[str, ...]

    @property
    def input(self) -> str:
        """Return the field `input` of RULER's files: everything but the prefix."""
        return self.examples + self.head + self.context + self.tail


@dataclass(frozen=True, kw_only=True, slots=True)
class RulerFamily:
    """The tasks that share a template and a metric.

    Attributes:
        template: the prompt, with {context} and the fields of the task.
        prefix: the beginning of the answer, with fields of the task.
        max_tokens: most tokens of a reply.
        every: whether all answers must be found, or one of them.
        examples: whether solved examples stand before the instruction.
        opening: how the instruction begins.
        head_end: how the text before the context ends.
        tail_start: how the text after the context begins.
    """

    template: str
    prefix: str
    max_tokens: int
    every: bool = True
    examples: bool = False
    opening: str
    head_end: str
    tail_start: str

    def filled(self, context: str, answers: tuple[str, ...], *, examples: str = "", **fields: Any) -> RulerSample:
        """Return the sample with this context and these fields."""
        head, tail = (part.format(**fields) for part in self.template.split("{context}"))
        prefix = self.prefix.format(**fields)
        return RulerSample(examples=examples, head=head, context=context, tail=tail, prefix=prefix, answers=answers)


@dataclass(frozen=True, kw_only=True, slots=True)
class RulerTask:
    """One task: its family, and the settings that samples are made with."""

    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_QA: Final = (
    "Answer the question based on the given documents. Only give me the answer and do not output any other words."
)

#: The families by name.
FAMILIES: Final[Mapping[str, RulerFamily]] = {
    "niah": RulerFamily(
        template="Some special magic {kind} are hidden within the following text. Make sure to memorize it. I will "
        "quiz you about the {kind} afterwards.\n{context}\nWhat are all the special magic {kind} for {query} mentioned "
        "in the provided text?",
        prefix=" The special magic {kind} for {query} mentioned in the provided text are",
        max_tokens=128,
        opening="",
        head_end=" afterwards.\n",
        tail_start="\nWhat ",
    ),
    "niah_single": RulerFamily(  # niah.py changes the template where there is one key and one value
        template="A special magic {kind} is hidden within the following text. Make sure to memorize it. I will "
        "quiz you about the {kind} afterwards.\n{context}\nWhat is the special magic {kind} for {query} mentioned in "
        "the provided text?",
        prefix=" The special magic {kind} for {query} mentioned in the provided text is",
        max_tokens=128,
        opening="",
        head_end=" afterwards.\n",
        tail_start="\nWhat ",
    ),
    "variable_tracking": RulerFamily(
        template="Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n{context}\n"
        "Question: Find all variables that are assigned the value {query} in the text above.",
        prefix=" Answer: According to the chain(s) of variable assignment in the text above, {count} variables are "
        "assigned the value {query}, they are: ",
        max_tokens=30,
        examples=True,
        opening="Memorize and track",
        head_end=" following text.\n\n",
        tail_start="\nQuestion: Find all variables",
    ),
    "common_words_extraction": RulerFamily(
        template="Below is a numbered list of words. In these words, some appear more often than others. Memorize the "
        "ones that appear most often.\n{context}\nQuestion: What are the 10 most common words in the above list?",
        prefix=" Answer: The top 10 words that appear most often in the list are:",
        max_tokens=120,
        examples=True,
        opening="Below is a numbered list",
        head_end=" most often.\n",
        tail_start="\nQuestion: What are the 10",
    ),
    "freq_words_extraction": RulerFamily(
        template="Read the following coded text and track the frequency of each coded word. Find the three most "
        "frequently appeared coded words. {context}\nQuestion: Do not provide any explanation. Please ignore the dots "
        "'....'. What are the three most frequently appeared words in the above coded text?",
        prefix=" Answer: According to the coded text above, the three most frequently appeared words are:",
        max_tokens=50,
        opening="Read the following coded text",
        head_end=" coded words. ",
        tail_start="\nQuestion: Do not provide",
    ),
    "qa": RulerFamily(
        template=f"{_QA}\n\nThe following are given documents.\n\n{{context}}\n\n{_QA}\n\nQuestion: {{query}}",
        prefix=" Answer:",
        max_tokens=32,
        every=False,
        opening=_QA,
        head_end="\n\nThe following are given documents.\n\n",
        tail_start=f"\n\n{_QA}\n\nQuestion: ",
    ),
}


def _needles(
    haystack: str, key: str = "words", value: str = "numbers", *, k: int = 1, v: int = 1, q: int = 1
) -> RulerTask:
    family = "niah_single" if q * v == 1 else "niah"
    return RulerTask(
        family=family,
        settings={"haystack": haystack, "key": key, "value": value, "keys": max(k, q), "values": v, "queries": q},
    )


#: The tasks by name.
RULER_TASKS: Final[Mapping[str, RulerTask]] = {
    "niah_single_1": _needles("noise"),
    "niah_single_2": _needles("essay"),
    "niah_single_3": _needles("essay", value="uuids"),
    "niah_multikey_1": _needles("essay", k=4),
    "niah_multikey_2": _needles("needle"),
    "niah_multikey_3": _needles("needle", key="uuids", value="uuids"),
    "niah_multivalue": _needles("essay", v=4),
    "niah_multiquery": _needles("essay", q=4),
    "vt": RulerTask(family="variable_tracking", settings={"hops": 4}),
    "cwe": RulerTask(family="common_words_extraction", settings={"common": 30, "uncommon": 3, "answers": 10}),
    "fwe": RulerTask(family="freq_words_extraction", settings={"alpha": 2.0, "letters": 6}),
    "qa_1": RulerTask(family="qa", settings={"source": "squad"}),
    "qa_2": RulerTask(family="qa", settings={"source": "hotpotqa"}),
}


def split_input(task: str, text: str) -> tuple[str, str, str, str]:
    """Return the examples, head, context and tail of the field `input` of RULER's files.

    >>> split_input("fwe", "Read the following coded text and find coded words. ab cd\\nQuestion: Do not provide x")[2]
    'ab cd'

    Raises:
        DataError: the text does not have the form of the task.
    """
    family = FAMILIES[RULER_TASKS[task].family]
    tail = text.rfind(family.tail_start)
    find = text.rfind if family.examples else text.find
    opening = find(family.opening, 0, max(0, tail))
    head = text.find(family.head_end, max(0, opening))
    if not 0 <= opening <= head < tail:
        raise DataError(f"an input of {task} begins with {text[:40]!r} and has not the form of RULER's files.")
    head += len(family.head_end)
    return text[:opening], text[opening:head], text[head:tail], text[tail:]
