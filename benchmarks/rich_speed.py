"""What markup costs: 1 MB of Markdown, of Python and of a chat, as plain text and as rich text, in one run.

    python benchmarks/rich_speed.py [--size 1000000] [--runs 3] [--markdown FILE...] [--code FILE...]

Each text is laid out and drawn to PNG. The table gives CPU seconds: the parsers of markdown-it-py and Pygments alone,
ours with positions and styles, layout, drawing; and the ratio of all of it to the same text without markup. By default
the texts are the Markdown and the Python of this repository, repeated up to the size; the chat alternates paragraphs
of the Markdown with code. A fourth text is prose with a bold span, and its markup, at each 20th word.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from pygments.lexers import PythonLexer

from glyphrender import RichText, Style, Theta, Typesetter, from_code, from_markdown, from_messages, layout
from glyphrender.rich.highlight import lexer_named

ROOT = Path(__file__).parents[1]


def seconds(call: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Return the least CPU time of some runs, and the last result."""
    best, result = float("inf"), None
    for _ in range(runs):
        result = None
        gc.collect()
        start = time.process_time()
        result = call()
        best = min(best, time.process_time() - start)
    return best, result


def sized(texts: Sequence[str], size: int) -> str:
    whole = "\n\n".join(texts)
    return (whole * (size // max(1, len(whole)) + 1))[:size]


def chat(markdown: str, code: str, size: int) -> list[dict[str, Any]]:
    """Return messages of some 600 characters each: questions, answers with code, calls of tools and their results."""
    messages: list[dict[str, Any]] = []
    paragraphs = [each for each in markdown.split("\n\n") if 40 < len(each) < 800]
    at = length = 0
    while length < size:
        text = "\n\n".join(paragraphs[at : at + 3])
        begin = at * 37 % max(1, len(code) - 400)
        part = code[begin : begin + 400]
        messages += [
            {"role": "user", "content": text},
            {"role": "assistant", "content": f"{text}\n\n```python\n{part}\n```\n",
             "tool_calls": [{"function": {"name": "run", "arguments": '{"path": "a.py", "line": 3}'}}]},
            {"role": "tool", "content": part},
        ]  # fmt: skip
        length += 2 * len(text) + 2 * len(part) + 60
        at = (at + 3) % max(1, len(paragraphs) - 3)
    return messages


def every_20th_word_bold(text: str) -> RichText:
    """Return a text with asterisks around each 20th word, which are not drawn, and the word in bold."""
    words = text.split(" ")
    parts: list[str] = []
    spans: list[tuple[int, int, Style]] = []
    consumed: list[tuple[int, int]] = []
    at = 0
    for number, word in enumerate(words):
        if number % 20 == 0 and word:
            start, end = at + 2, at + 2 + len(word)
            spans.append((start, end, Style(weight=700)))
            consumed += [(at, start), (end, end + 2)]
            word = f"**{word}**"
        parts.append(word)
        at += len(word) + 1
    return RichText(" ".join(parts), spans, consumed=consumed)


def pages(text: str | RichText, theta: Theta, runs: int) -> tuple[float, float, int]:
    """Return (seconds of layout, seconds of drawing, pages): the least of some runs, each with a new typesetter.

    A new typesetter knows no word, no font and no mask.
    """
    laying = drawing = float("inf")
    count = 0
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        found = list(layout(text, theta, typesetter=Typesetter()))
        laid = time.process_time()
        for page in found:
            page.png()
        laying, drawing = min(laying, laid - start), min(drawing, time.process_time() - laid)
        count = len(found)
    return laying, drawing, count


def parsed(parser: MarkdownIt, text: str) -> None:
    """Parse Markdown, and let Pygments read the fences that name a language."""
    for token in parser.parse(text):
        language = token.info.split(maxsplit=1)[:1] if token.type == "fence" else []
        if language and (lexer := lexer_named(language[0])) is not None:
            list(lexer.get_tokens_unprocessed(token.content))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--only", default="", help="the first letters of the rows to measure")
    options.add_argument("--markdown", type=Path, nargs="*", default=sorted((ROOT / "docs").glob("*.md")))
    options.add_argument("--code", type=Path, nargs="*", default=sorted((ROOT / "src").rglob("*.py")))
    given = options.parse_args()
    markdown = sized([path.read_text(encoding="utf-8") for path in given.markdown], given.size)
    code = sized([path.read_text(encoding="utf-8") for path in given.code], given.size)
    messages = chat(markdown, code, given.size)
    prose = sized([(ROOT / "benchmarks" / "texts" / "pride-and-prejudice.txt").read_text(encoding="utf-8")], given.size)
    theta = Theta()
    parser = MarkdownIt("gfm-like2", {"linkify": False}).disable("linkify")
    lexer = PythonLexer()
    kinds: dict[str, tuple[str, Callable[[], Any], Callable[[], RichText]]] = {
        "Markdown": (markdown, lambda: parsed(parser, markdown), lambda: from_markdown(markdown)),
        "Markdown, fences plain": (
            markdown,
            lambda: parser.parse(markdown),
            lambda: from_markdown(markdown, {"highlighting": "NONE"}),
        ),
        "Python": (code, lambda: list(lexer.get_tokens_unprocessed(code)), lambda: from_code(code, "python")),
        "chat": (
            from_messages(messages).text.source,
            lambda: [parsed(parser, each["content"]) for each in messages if each["role"] != "tool"],
            lambda: from_messages(messages).text,
        ),
        "spans": (prose, lambda: None, lambda: every_20th_word_bold(prose)),
    }
    pages(markdown, theta, 1)  # loads the fonts and the compiled code of this process
    print("text | characters | parser alone | to rich text | layout, drawing | plain: layout, drawing | pages | ratio")
    for name, (plain, alone, make) in kinds.items():
        if not name.startswith(given.only):
            continue
        parsing, _ = seconds(alone, given.runs)
        making, rich = seconds(make, given.runs)
        laying, drawing, count = pages(rich, theta, given.runs)
        laying_plain, drawing_plain, plain_count = pages(plain, theta, given.runs)
        whole, base = making + laying + drawing, laying_plain + drawing_plain
        print(
            f"{name} | {len(plain):,} | {parsing:.2f} s | {making:.2f} s | {laying:.2f} + {drawing:.2f} s | "
            f"{laying_plain:.2f} + {drawing_plain:.2f} s | {count} for {plain_count} | "
            f"{whole / base:.2f}, without making {(laying + drawing) / base:.2f}, without parser "
            f"{(whole - parsing) / base:.2f}"
        )


if __name__ == "__main__":
    main()
