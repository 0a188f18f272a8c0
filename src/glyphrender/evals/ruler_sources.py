"""The texts that RULER's samples are made of: an essay, questions with documents, and words.

Files are known by what they hold: PaulGrahamEssays.json ({"text": …}) or any .txt file is the essay; dev-v2.0.json of
SQuAD and hotpot_dev_distractor_v1.json of HotpotQA are questions; english_words.json ({"1": "word", …}) are words for
lists that need more than the 8,000 words of the package wonderwords.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, DependencyError

__all__ = ["RulerQuestion", "RulerSources", "read_sources", "word_lists"]

_NEEDS: Final = {
    "essay": "an essay: PaulGrahamEssays.json or a .txt file",
    "squad": "dev-v2.0.json of SQuAD",
    "hotpotqa": "hotpot_dev_distractor_v1.json of HotpotQA",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RulerQuestion:
    """One question.

    Attributes:
        query: the question.
        answers: the right answers, each of which is enough.
        documents: numbers of the documents that hold the answer.
        related: numbers of documents that are taken before others: paragraphs of the same article.
    """

    query: str
    answers: tuple[str, ...]
    documents: tuple[int, ...]
    related: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RulerSources:
    """Texts for samples. `read_sources` makes this value.

    Attributes:
        essay: the haystack of most tasks with needles.
        questions: questions by source, "squad" and "hotpotqa".
        documents: the documents of each source, in order.
        more_words: words for long lists.
    """

    essay: str = ""
    questions: Mapping[str, Sequence[RulerQuestion]] = field(default_factory=dict)
    documents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    more_words: tuple[str, ...] = ()

    @cached_property
    def essay_words(self) -> list[str]:
        """Return the words of the essay."""
        return self.essay.split()

    def has(self, need: str) -> bool:
        """Return whether there is an essay ("essay"), or questions of a source."""
        return bool(self.essay.strip()) if need == "essay" else bool(self.questions.get(need))

    def require(self, task: str, need: str) -> None:
        """Refuse a task whose texts are missing.

        Raises:
            DataError: they are. The message names the file.
        """
        if not self.has(need):
            raise DataError(f"the task {task} needs {_NEEDS[need]}. Name the file, or leave the task out.")


def read_sources(paths: Sequence[Path]) -> RulerSources:
    """Read the texts of some files.

    Raises:
        DataError: a file cannot be read, or holds none of the known forms.
    """
    essays: list[str] = []
    questions: dict[str, list[RulerQuestion]] = {}
    documents: dict[str, list[str]] = {}
    words: tuple[str, ...] = ()
    for path in paths:
        try:
            text = read_text(path, encoding="utf-8-sig")
            held = {"text": text} if path.suffix == ".txt" else json.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{path} cannot be read ({error}). Name a .txt or .json file.", path=path) from error
        try:
            if isinstance(held, dict) and isinstance(held.get("text"), str):
                essays.append(held["text"])
            elif isinstance(held, dict) and isinstance(held.get("data"), list) and held["data"]:
                questions["squad"], documents["squad"] = _squad(held["data"])
            elif isinstance(held, list) and held:
                questions["hotpotqa"], documents["hotpotqa"] = _hotpotqa(held)
            elif isinstance(held, dict) and held and all(isinstance(word, str) for word in held.values()):
                words = tuple(dict.fromkeys(held.values()))
            else:
                raise DataError(
                    f"{path} is neither an essay, SQuAD, HotpotQA nor a list of words. Name a file that is.", path=path
                )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise DataError(f"{path} has not the form of SQuAD or HotpotQA ({reason}).", path=path) from error
    return RulerSources(essay="\n".join(essays), questions=questions, documents=documents, more_words=words)


@cache
def word_lists() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the adjectives, nouns and verbs of the package wonderwords.

    Raises:
        DependencyError: wonderwords is not installed.
    """
    try:
        folder = files("wonderwords.assets")
    except ImportError as error:
        raise DependencyError.of(error, "RULER's needles need the package wonderwords", extra="evals") from error
    lists = []
    for name in ("adjectivelist.txt", "nounlist.txt", "verblist.txt"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        lists.append(tuple(word for word in map(str.strip, lines) if word))
    return lists[0], lists[1], lists[2]


def _squad(articles: list[Any]) -> tuple[list[RulerQuestion], list[str]]:
    documents = sorted({paragraph["context"] for article in articles for paragraph in article["paragraphs"]})
    number = {document: index for index, document in enumerate(documents)}
    questions = []
    for article in articles:
        all_of_it = [number[paragraph["context"]] for paragraph in article["paragraphs"]]
        for paragraph in article["paragraphs"]:
            own = number[paragraph["context"]]
            related = tuple(dict.fromkeys(index for index in all_of_it if index != own))
            questions += [
                RulerQuestion(
                    query=_text(asked["question"]),
                    answers=tuple(_text(answer["text"]) for answer in asked["answers"]),
                    documents=(own,),
                    related=related,
                )
                for asked in paragraph["qas"]
                if not asked["is_impossible"]
            ]
    return questions, documents


def _hotpotqa(rows: list[Any]) -> tuple[list[RulerQuestion], list[str]]:
    def document(title: str, sentences: list[str]) -> str:
        return f"{title}\n{''.join(sentences)}"

    documents = sorted({document(*context) for row in rows for context in row["context"]})
    number = {text: index for index, text in enumerate(documents)}
    questions = [
        RulerQuestion(
            query=_text(row["question"]),
            answers=(_text(row["answer"]),),
            documents=tuple(dict.fromkeys(number[document(*context)] for context in row["context"])),
        )
        for row in rows
    ]
    return questions, documents


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, whose white space is single spaces.

    RULER asks nltk for them, whose model must be downloaded. Here a sentence ends with ".", "?" or "!", closing quotes
    and brackets, and a space. Sentences only decide between which words a needle stands.
    """
    return re.split(r"(?<=[.?!])\s|(?<=[.?!][\"'”’)\]])\s", text)
