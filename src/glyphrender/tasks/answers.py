"""Find the part of a reply that is scored. Models think aloud, box their answers, and put code fences around copies."""

from __future__ import annotations

import re

__all__ = ["copied_text", "final_answer"]


def final_answer(reply: str) -> str:
    """Return the final answer in `reply`.

    These parts are left out: thoughts up to `</think>`, everything outside `<|begin_of_box|> … <|end_of_box|>`, and
    everything before a line that begins with "Answer:".

    >>> final_answer("<think>Could it be 9?</think>First I count.\\nAnswer: 7")
    '7'
    """
    answer = spoken = _without_thoughts(reply)
    marked = re.search(r"^\W*(?:final )?answer\W*:\s*(.+)\Z", spoken, re.IGNORECASE | re.DOTALL | re.MULTILINE)
    if marked:
        answer = marked[1]
    return answer.strip()


def copied_text(reply: str) -> str:
    """Return the copy of a text in `reply`. Thoughts, and a code fence around the whole copy, are left out.

    A line that begins with "Answer:" may be part of the copy, so the text before this line is kept. "Answer:" is
    removed only at the start of the reply.

    >>> copied_text("```text\\nOne line.\\nAnswer: none.\\n```")
    'One line.\\nAnswer: none.'
    """
    spoken = _without_thoughts(reply).strip()
    marked = re.match(r"\W*(?:final )?answer\W*:", spoken, re.IGNORECASE)
    return _without_fence(final_answer(spoken) if marked else spoken)


def _without_thoughts(reply: str) -> str:
    spoken = re.split(r"</think(?:ing)?>", reply)[-1]
    boxes = re.findall(r"<\|begin_of_box\|>(.*?)<\|end_of_box\|>", spoken, re.DOTALL)
    return boxes[-1] if boxes else spoken


def _without_fence(text: str) -> str:
    """Return `text` without the code fence around it, if there is one."""
    fenced = re.fullmatch(r"\s*```[^\n]*\n(.*?)\n?```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text
