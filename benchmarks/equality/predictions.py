"""Generated predictions: what models answer, and what breaks scorers.

A prediction is made from a right answer, or from words of its kind: the answer itself, in another case, in a sentence,
in a list, in a code fence, after thoughts that end or do not, with other answers, cut, repeated, shuffled, empty, of
white space, of marks, of other scripts and of control characters, and long.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from functools import cache
from random import Random

import texts

_ODD = [
    *(
        "",
        " ",
        "\n",
        "\n\n",
        "\t",
        ".",
        "...",
        ". . .",
        "\r\n",
        "\x00",
        "\u200b",
        "\u3000",
        "。",
        "？",
        "“”",
        "`",
        "```",
    ),
    *("#", "//", "<think>", "</think>", "<think>\n\n</think>", "<|user|>", "<|endoftext|>", "A", "B", "None", "nan"),
    *(
        "İ",
        "ß",
        "ﬁ",
        "Å",
        "e\u0301",
        "١٢",
        "①",
        "😀",
        "👩‍👩‍👧",
        "שלום",
        "ᾈ",
        "\ud83d",
        "a\u0000b",
        "\x1f",
        "\x85",
        "\u2028",
    ),
    *(
        "The correct answer is (A)",
        "The correct answer is C",
        "Paragraph 1",
        "段落2",
        "unanswerable",
        "yes",
        "-1",
        "0x1F",
    ),
]


@cache
def english() -> list[str]:
    """Return the sentences of a novel."""
    return re.split(r"(?<=[.?!]) ", " ".join(texts.novel()[5_000:200_000].split()))


@cache
def chinese() -> list[str]:
    """Return the sentences of a Chinese text."""
    text = texts.chinese()
    return [sentence for sentence in re.split(r"(?<=[。；])", "".join(text[: len(text) // 100].split())) if sentence]


@cache
def code() -> list[str]:
    """Return lines of Python code that are not empty."""
    return [
        line
        for line in inspect.getsource(json.decoder).splitlines() + inspect.getsource(textwrap).splitlines()
        if line.strip()
    ]


def words(rng: Random, count: int) -> str:
    """Return some words of the novel that follow each other."""
    found: list[str] = []
    at = rng.randrange(len(english()))
    while len(found) < count:
        found += english()[at % len(english())].split()
        at += 1
    return " ".join(found[:count])


def characters(rng: Random, count: int) -> str:
    """Return some characters of the Chinese text that follow each other."""
    text = "".join(chinese())
    at = rng.randrange(max(1, len(text) - count))
    return text[at : at + count]


def odd(rng: Random) -> str:
    """Return a text of characters that scorers meet rarely."""
    if rng.random() < 0.3:
        return "".join(
            chr(rng.choice((rng.randrange(0x20), rng.randrange(0x20, 0x250), rng.randrange(0xD7FF))))
            for _ in range(rng.randrange(30))
        )
    return rng.choice(("", " ", "\n")).join(rng.choice(_ODD) for _ in range(rng.randrange(4)))


def prediction(rng: Random, truth: str, others: list[str]) -> str:
    """Return what a model may answer where `truth` is right and `others` are answers to other questions."""
    text = rng.choice((truth, truth, truth, rng.choice([*others, truth]), odd(rng)))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        text = rng.choice(_CHANGES)(rng, text, others)
    return text


def _cut(rng: Random, text: str, others: list[str]) -> str:
    a, b = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return text[a:b]


def _shuffled(rng: Random, text: str, others: list[str]) -> str:
    parts = text.split(" ")
    rng.shuffle(parts)
    return " ".join(parts)


def _mistyped(rng: Random, text: str, others: list[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(("", "x", " ", ".", "。", "1", "\n", "é")) + text[at + rng.randrange(2) :]


def _cased(rng: Random, text: str, others: list[str]) -> str:
    return rng.choice((str.upper, str.lower, str.title, str.swapcase))(text)


def _in_a_sentence(rng: Random, text: str, others: list[str]) -> str:
    before = rng.choice(
        ("The answer is ", "Answer: ", "答案是", "**", "“", "\n\n", "Sure! ", "It is not known, but maybe ", "")
    )
    return before + text + rng.choice((".", "。", "**", "”", "\n\nQuestion: another", "", " (see above)", "\n"))


def _listed(rng: Random, text: str, others: list[str]) -> str:
    entries = [text, *rng.sample(others, min(len(others), rng.randrange(4)))]
    rng.shuffle(entries)
    mark = rng.choice(("- {}", "{n}. {}", "{n}) {}", "* {}", "{}"))
    return rng.choice(("\n", ", ", " and ", "; ")).join(mark.format(entry, n=n) for n, entry in enumerate(entries, 1))


def _fenced(rng: Random, text: str, others: list[str]) -> str:
    return f"```{rng.choice(('', 'python', 'json', 'text'))}\n{text}\n```" + rng.choice(
        ("", "\nThis is the next line.")
    )


def _thought(rng: Random, text: str, others: list[str]) -> str:
    thought = rng.choice((words(rng, rng.randrange(1, 40)), text, "\n".join(others[:2]), ""))
    return rng.choice(
        (
            f"<think>{thought}</think>\n{text}",
            f"<think>{thought}\n{text}",
            f"{thought}</think>{text}",
            f"<think>a<think>{thought}</think></think>{text}<|user|>",
        )
    )


def _long(rng: Random, text: str, others: list[str]) -> str:
    if rng.random() < 0.9:
        return text + rng.choice((" ", "\n", "")) + words(rng, rng.randrange(20, 120))
    return (text + rng.choice((" ", "\n", "", ". "))) * rng.randrange(2, 20)


def _odd(rng: Random, text: str, others: list[str]) -> str:
    return rng.choice((text + odd(rng), odd(rng) + text))


_CHANGES = (_cut, _shuffled, _mistyped, _cased, _in_a_sentence, _listed, _fenced, _thought, _long, _odd)
