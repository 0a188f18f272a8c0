"""Try random markup: `python tests/fuzz_markup.py [COUNT] [SEED]`. It prints the first document that fails.

Each document is Markdown, code of some language, a difference, the output of a terminal or a conversation, made of
pieces of such texts in any order. Its pages must account for every character of the source, draw what `drawn` says, and
stay inside the page.
"""

from __future__ import annotations

import sys
import time
from random import Random
from typing import Any

from nasty import NASTY
from rich_documents import check

from glyphrender import RichText, Theta, from_code, from_diff, from_markdown, from_messages, from_terminal

PIECES = (
    "# ", "## A #", "\n", "\n", "\n\n", "---\n", "***", "**", "*", "_", "__", "~~", "`", "``", "```python\n",
    "```\n", "~~~\n", "> ", "> > ", "- ", "* ", "+ ", "1. ", "12) ", "- [ ] ", "- [x] ", "    ", "\t", "  \n",
    "\\\n", "\\*", "\\", "&amp;", "&copy;", "&#x301;", "&zwnj;", "&notit;", "<b>", "</b>", "<!-- x -->",
    "<https://a.b>", "[a](b)", "[a]", "[a]: /u 't'\n", "![i](j)", "](", "[", "]", "| a | b |\n", "|---|:-:|\n",
    "| 漢字 | `x\\|y` |\n", "|", ":--", "a\nb", "word ", "x" * 60, " ", "def f(x): # c\n", "'''", '"', "{", "}",
    "if (a < b) {\n", "0x1F ", "/* ", " */", "//", "\\n", "<?php ", "%d", "+++ b/x\n", "--- a/x\n",
    "@@ -1,2 +1,3 @@\n", "+added\n", "-gone\n", " same\n", "diff --git a/x b/x\n", "\x1b[1m", "\x1b[31m",
    "\x1b[0m", "\x1b[38;5;200m", "\x1b[4", "\x1b]0;t\x07", "\r", "\r\n", "\x08", "\x00", "\u00ad", "العربية",
    "مس**تش**فى", "שלום ", "漢字", "かな", "한글", "e\u0301", "👩‍👩‍👧", "──┼──\n", "ภาษา", "क्षत्रिय ", "\u2028",
    "\x0c",
)  # fmt: skip
LANGUAGES = ("python", "c", "html", "json", "bash", "css", "rust", "markdown", "latex", "yaml", "sql", "pytb", "")


def text_of(random: Random) -> str:
    """Return some pieces in a row, or a nasty text among them."""
    parts = random.choices(PIECES, k=random.randint(0, 30))
    if random.random() < 0.2:
        parts.insert(random.randint(0, len(parts)), random.choice(list(NASTY.values()))[:150])
    return "".join(parts)


def message(random: Random) -> dict[str, Any]:
    """Return a message or an item in OpenAI's or Anthropic's form."""
    kind = random.randint(0, 6)
    if kind == 0:
        call = {"function": {"name": "f", "arguments": random.choice(('{"a": 1}', "{", text_of(random)))}}
        return {"role": "assistant", "content": random.choice((None, text_of(random))), "tool_calls": [call]}
    if kind == 1:
        return {"role": "tool", "content": text_of(random)}
    if kind == 2:
        part = {"type": "text", "text": text_of(random)}
        return {"role": "user", "content": [part, {"type": "tool_result", "content": text_of(random)}]}
    if kind == 3:
        part = {"type": "code_execution_result", "stdout": text_of(random), "return_code": 0}
        return {"role": "assistant", "content": [{"type": "code_execution_tool_result", "content": part}]}
    if kind == 4:
        return {"type": "function_call_output", "output": text_of(random)}
    return {"role": random.choice(("user", "system", "assistant")), "content": text_of(random)}


def document(random: Random, theta: Theta) -> RichText:
    """Return a random text as rich text."""
    match random.randint(0, 6):
        case 0:
            return from_code(text_of(random), random.choice(LANGUAGES), theta)
        case 1:
            return from_diff(text_of(random), theta)
        case 2:
            return from_terminal(text_of(random), theta)
        case 3:
            return from_messages([message(random) for _ in range(random.randint(0, 4))], theta).text
        case _:
            return from_markdown(text_of(random), theta)


def settings(random: Random) -> Theta:
    """Return a random θ with a small page."""
    width = random.choice((60, 120, 300))
    return Theta(
        page_size=(width, random.choice((60, 200))),
        margin_x=4,
        **{"margin_y": 4}
        | random.choice(({}, {"margin_y": 9, "page_header": "{section}", "page_number": "BOTTOM_RIGHT"})),
        font_size=random.choice((5, 8)),
        line_height=random.choice((8, 9, 14)),
        leading=random.choice(("FIXED", "FIT")),
        alignment=random.choice(("LEFT", "JUSTIFY")),
        columns=random.choice((1, 1, 2)),
        column_gap=4,
        highlighting=random.choice(("GREY", "COLOR", "NONE")),
        heading_size=random.choice((1, 1, 1.5)),
        link_targets=random.choice(("HIDE", "SHOW")),
        ansi=random.choice(("ESCAPE", "STRIP")),
        newline_markup=random.choice(("<br/>", "<br/>", "<br/>", " ↵ ")),
        paragraph_ids=random.choice(("NONE", "MARGIN")) if width == 300 else "NONE",
        indentation=random.choice(("KEEP", "MARK")),
    )


def main(count: int, seed: int) -> None:
    """Check `count` documents."""
    start = time.time()
    for number in range(count):
        random = Random(f"{seed}/{number}")
        theta, state = settings(random), random.getstate()
        try:
            check(document(random, theta), theta, draw=number % 8 == 0)
        except BaseException:
            random.setstate(state)
            print(f"seed {seed}/{number}: {theta}")
            print(repr(document(random, theta).source))
            raise
        if (number + 1) % 500 == 0:
            print(f"{number + 1} documents, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
