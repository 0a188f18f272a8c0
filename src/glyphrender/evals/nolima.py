"""NoLiMa: a needle in a book that shares no word with the question, so that no search for words finds it.

Data: amodaresi/NoLiMa on the hub (Adobe Research license, not for commerce): `needlesets/needle_set.json` and the books
in `haystack/rand_shuffle`. Each test is placed into each book at 26 depths, for each length of the context.

Needles are placed as the official script places them, in o200k tokens (`Haystack.placed`). The script counts in the
tokens of the model that is asked; a fixed vocabulary gives every model the same texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.loading import DataSource, known_protocol, mean_of_items, refuse_unknown
from glyphrender.evals.rows import Row, read_rows, revision_of
from glyphrender.evals.spool import SpooledItems
from glyphrender.tasks.task import Score

__all__ = ["NOLIMA_LENGTHS", "NOLIMA_PROTOCOLS", "Haystack", "load_nolima", "score_nolima"]

#: The published lengths of a context, in tokens.
NOLIMA_LENGTHS: Final = (250, 500, 1000, 2000, 4000, 8000, 16000, 32000)

NOLIMA_PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    "official": EvalProtocol(
        name="official",
        source="adobe-research/NoLiMa @ 7532e4e, evaluation/run_tests.py, async_evaluate.py, data/book_haystack.py",
        sampling={"temperature": 0.0, "top_p": 1.0, "max_tokens": 192},
        thoughts="kept",
        note="The metric is `contains`: a reply is right if a right answer is in it, case included, in thoughts too. "
        "Lengths and depths are in o200k tokens for every model. Books are numbered by name; the script numbers them "
        "in the order of the file system, which decides the characters that it draws.",
    )
}
_TEMPLATE: Final = (
    "You will answer a question based on the following book snippet:\n\n{haystack}\n\nUse the information provided in "
    "the book snippet to answer the question. Your answer should be short and based on either explicitly stated facts "
    "or strong, logical inferences.\n\nQuestion: {question}\n\n Return only the final answer with no additional "
    "explanation or reasoning."
)
_SYSTEM: Final = "You are a helpful assistant"
_MOST_DEPTHS: Final = 10_000
_SEED: Final = 42
_DEPTHS: Final = 26
_FREE_ZONE: Final = 0.2
_HAYSTACK: Final = "\0haystack\0"


def score_nolima(reply: str, answers: Sequence[str]) -> float:
    """Return 1.0 if `reply` contains one of `answers`, case included, else 0.0.

    >>> score_nolima("It was Yuki.", ["Yuki"]), score_nolima("yuki", ["Yuki"])
    (1.0, 0.0)
    """
    return float(any(answer in reply for answer in answers))


class Haystack:
    """A book in tokens, into which needles are placed at line ends.

    Attributes:
        name: name of the book.
        text: its text.
        encode: function from text to tokens.
        decode: function from tokens to their bytes.
    """

    def __init__(
        self, name: str, text: str, *, encode: Callable[[str], list[int]], decode: Callable[[list[int]], bytes]
    ) -> None:
        self.name, self.text, self.encode, self.decode = name, text, encode, decode
        self._tokens = encode(text)
        newlines = {token for token in set(self._tokens) if b"\n" in decode([token])}
        ends = [at for at, token in enumerate(self._tokens) if token in newlines]
        self._places = np.array([0, *ends], dtype=np.int64)

    def placed(self, needle: str, length: int, depth: float) -> str:
        """Return `length` tokens of the book with `needle` on a line of its own, at `depth` from 0 to 1.

        The needle stands at the first line end after that share of the book's first tokens, and the context begins so
        many tokens before it (`_generate_w_needle_placement` of data/book_haystack.py).

        Raises:
            DataError: the book is too short.
        """
        away = self._places / (length + 1) - depth
        away[away < 0] = np.inf
        at = int(self._places[int(np.argmin(away))])
        start = at - round(length * depth)
        if start < 0 or start + length > len(self._tokens):
            raise DataError(
                f"{self.name} has {len(self._tokens)} tokens, too few for {length} at depth {depth:.0%}. Use shorter "
                "lengths or the official books."
            )
        before = self._decoded(self._tokens[start : at + 1])
        before = before[: max(before.rfind("\n"), 0)]
        return f"{before} {needle}\n{self._decoded(self._tokens[at + 1 : start + length])}"

    def placed_with_distractor(
        self, needle: str, distractor: str, length: int, depth: float, distractor_depth: float
    ) -> str:
        """Return the text of `placed` with a second sentence, the distractor, at another depth.

        Raises:
            DataError: the book is too short, or the place of the distractor cannot be found again.
        """
        other = self.placed(distractor, length, distractor_depth)
        text = self.placed(needle, length, depth)
        at = other.index(distractor)
        seen, back = (50, 49) if length >= 500 else (25, 23)
        mark = other[max(at - seen, 0) : at - 1]
        if text.count(mark) != 1:
            raise DataError(
                f"{self.name} has {text.count(mark)} places for a distractor at depth {distractor_depth:.0%} of "
                f"{length} tokens. Leave out this length, or use the official books."
            )
        place = text.index(mark) + back
        return f"{text[:place]} {distractor}\n{text[place:]}"

    def _decoded(self, tokens: list[int]) -> str:
        return self.decode(tokens).decode("utf-8", "replace")


def load_nolima(
    source: DataSource,
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    lengths: str | Sequence[int] = (1000, 8000),
    depths: int | str = _DEPTHS,
) -> Benchmark:
    """Load NoLiMa's needle set and books. A text is made when its item is asked for.

    Args:
        source: the file needle_set.json, then the books (.txt) or their folder. Without books, those in
            `haystack/rand_shuffle` beside the folder of the needle set.
        tasks: kinds of questions, such as "onehop" and "twohop"; all if empty.
        protocol: a name from `NOLIMA_PROTOCOLS`.
        lengths: tokens of a context, in a list or between commas. The published ones are in `NOLIMA_LENGTHS`.
        depths: number of depths from 0 to 100%.

    Raises:
        DataError: a task or protocol is not known; a length or `depths` is no count, or out of range; a file cannot be
            read; or an entry of the needle set is malformed, and the message names its place.
        DependencyError: splintr-rs is not installed.
    """
    chosen = known_protocol(protocol, NOLIMA_PROTOCOLS)
    counts = [_count("lengths", each) for each in (lengths.split(",") if isinstance(lengths, str) else lengths)]
    steps = _count("depths", depths)
    if steps > _MOST_DEPTHS:
        raise DataError(f"depths={shown(depths)} is out of range. Use 1 to {_MOST_DEPTHS:,}.")
    path, *given = [Path(source)] if isinstance(source, str | PathLike) else [Path(each) for each in source] or [Path()]
    books = _books(given or [path.parent.parent / "haystack" / "rand_shuffle"])
    tests = [test for row in read_rows(path) for test in _tests(row)]
    refuse_unknown("task", tasks, sorted({test.task for test in tests}))
    tests = [test for test in tests if not tasks or test.task in tasks]
    values = (
        value
        for length in counts
        for number in range(len(books))
        for test in tests
        for value in _placements(test, number, length, steps)
    )
    return Benchmark(
        name="nolima",
        revision=revision_of([path, *books]),
        protocol=chosen,
        items=SpooledItems(
            values, partial(_item, lru_cache(maxsize=len(books))(lambda number: _haystack(books[number])))
        ),
        score=lambda item, reply: Score(error=1 - score_nolima(reply, item.answers)),
        summary=mean_of_items,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Test:
    """One question of the needle set, with its arguments filled in; {CHAR} still stands for a name."""

    name: str
    task: str
    reasoning: str
    number: int
    system: str
    template: str
    needle: str
    question: str
    answers: tuple[str, ...]
    characters: tuple[str, ...]
    distractor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """A test at one depth of one book."""

    test: _Test
    book: int
    length: int
    depth: float
    character: str
    distractor_depth: float


def _tests(row: Row) -> Iterator[_Test]:
    name, needle = row.text("id"), row.text("needle")
    if not name[:4].isdigit():
        raise row.fault(f"id={shown(name)} does not begin with four digits")
    questions, tests = row.values.get("questions"), row.values.get("tests")
    if not isinstance(questions, dict) or not isinstance(tests, dict):
        raise row.fault("questions or tests is no object")
    for kind, question in questions.items():
        if not isinstance(question, str):
            raise row.fault(f"question {shown(kind)} is {shown(question)} and not a text")
    characters = row.texts("character_set") if row.values.get("character_set") else ()
    distractors = row.values.get("distractors") or {}
    if not isinstance(distractors, dict) or not all(isinstance(each, str) for each in distractors.values()):
        raise row.fault("distractors is no object of texts")
    template = row.text("task_template") if "task_template" in row.values else _TEMPLATE
    try:
        filled = template.format(haystack=_HAYSTACK, question="")
    except (KeyError, IndexError, ValueError) as error:
        raise row.fault(f"task_template has other fields than haystack and question ({error})") from error
    if filled.count(_HAYSTACK) != 1:
        raise row.fault("task_template does not have {haystack} once")
    for kind, question in questions.items():
        for test, values in tests.items():
            place = Row(f"{row.place}, test {test}", values if isinstance(values, dict) else {})
            arguments = place.texts("input_args")
            answers = place.texts("gold_answers") if "gold_answers" in place.values else ()
            if "{CHAR}" in needle and not characters:
                raise row.fault("needle has {CHAR}, and character_set is missing")
            if "{CHAR}" not in needle and not answers:
                raise place.fault("gold_answers is missing, and the needle has no {CHAR}")
            full, asked, distractor = needle, question, None
            for number, argument in enumerate(arguments, 1):
                mark = f"{{{number}}}"
                # The script fills a question anew for each argument, so that only the last one stays.
                asked = question.replace(mark, argument) if mark in question else asked
                full = full.replace(mark, argument)
                if mark in distractors.get(kind, ""):
                    distractor = distractors[kind].replace(mark, argument)
            yield _Test(
                name=f"{name}_{test}_{kind}",
                task=kind,
                reasoning=str(row.values.get("reasoning_type") or ""),
                number=int(name[:4]),
                system=_SYSTEM,
                template=template,
                needle=full,
                question=asked,
                answers=answers,
                characters=characters if "{CHAR}" in needle else (),
                distractor=distractor,
            )


def _placements(test: _Test, book: int, length: int, steps: int) -> Iterator[_Value]:
    """Yield the test at each depth. Names and depths of distractors are drawn as the script draws them."""
    draw = np.random.RandomState(_SEED + test.number + book)
    for percent in np.linspace(0, 100, steps):
        depth = float(percent / 100)
        character = str(draw.choice(list(test.characters))) if test.characters else ""
        other = _distractor_depth(draw, length, depth) if test.distractor is not None else 0.0
        yield _Value(test=test, book=book, length=length, depth=depth, character=character, distractor_depth=other)


def _distractor_depth(draw: np.random.RandomState, length: int, depth: float) -> float:
    left = max(0.0, depth - 2 * _FREE_ZONE)
    right = max(0.0, 1 - (depth + 2 * _FREE_ZONE))
    drawn = float(draw.uniform(0, left + right))
    if length < 500:
        return 0.7 if depth < 0.6 else 0.6 if depth > 0.75 else 0.5
    return depth + _FREE_ZONE + (drawn - left) if drawn > left else drawn + _FREE_ZONE


def _item(haystack: Callable[[int], Haystack], value: _Value) -> Item:
    test, book = value.test, haystack(value.book)
    needle, question = (text.replace("{CHAR}", value.character) for text in (test.needle, test.question))
    if test.distractor is None:
        text = book.placed(needle, value.length, value.depth)
    else:
        text = book.placed_with_distractor(needle, test.distractor, value.length, value.depth, value.distractor_depth)
    before, _, after = test.template.format(haystack=_HAYSTACK, question=question).partition(_HAYSTACK)
    return Item(
        key=f"{test.name}-{book.name}-{value.length}-{value.depth:.4f}",
        task=test.task,
        turns=(ItemTurn("system", (test.system,)), ItemTurn("user", (before, Drawable(text), after))),
        answers=(value.character,) if test.characters else test.answers,
        max_tokens=192,
        buckets={"length": f"{value.length}", "depth": f"{value.depth:.0%}", "reasoning": test.reasoning or "none"},
    )


def _books(given: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        found += sorted(filter(Path.is_file, path.glob("*.txt"))) if path.is_dir() else [path]
    if not found:
        raise DataError(f"{given[0]} holds no book. Name files of text whose names end in .txt.", path=given[0])
    return found


def _haystack(path: Path) -> Haystack:
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}). Name a book in UTF-8.", path=path) from error
    vocabulary = _vocabulary()
    return Haystack(path.stem, text, encode=vocabulary.encode_ordinary, decode=vocabulary.decode_bytes)


@lru_cache(maxsize=1)
def _vocabulary() -> Any:
    try:
        import splintr
    except ImportError as error:
        raise DependencyError.of(error, "NoLiMa needs the package splintr-rs", extra="evals") from error
    return splintr.Tokenizer.from_pretrained("o200k_base")


def _count(name: str, value: object) -> int:
    try:
        count = int(str(value))
    except ValueError:
        count = 0
    if count < 1:
        raise DataError(f"{name}={shown(value)} is no count. Use whole numbers of 1 or more.")
    return count
