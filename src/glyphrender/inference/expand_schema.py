"""The tools as models are told of them: JSON schemas for servers, and instructions for plain text.

`read_page` has the name and the argument that LensVLM was trained on (apple-aiml-research/ml-lensvlm,
lensvlm/prompts.py, cd8df32), and its answer begins as there. So LensVLM's weights run on our pages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from glyphrender.errors import DataError, shown

__all__ = ["EXPAND_TOOLS", "ExpandKind", "anthropic_tools", "chat_tools", "instruction", "tool_names", "tools_text"]

#: How pages are expanded: their text, parts drawn larger, or pages with phrases drawn larger.
ExpandKind: TypeAlias = Literal["text", "zoom", "enlarge"]

#: For each kind, the names of its tools.
EXPAND_TOOLS: Final[dict[str, tuple[str, ...]]] = {
    "text": ("read_page", "read_lines", "search"),
    "zoom": ("zoom",),
    "enlarge": ("enlarge",),
}

_PAGE: Final = {"type": "integer", "minimum": 1, "description": "number of the page; the first is 1"}
# Name → (description, properties, names of those that must be given).
_SPECS: Final[dict[str, tuple[str, dict[str, Any], tuple[str, ...]]]] = {
    "read_page": ("Get the exact text of one page.", {"page": _PAGE}, ("page",)),
    "read_lines": (
        "Get the exact text of some lines of one page. Lines are counted from the top of the page.",
        {
            "page": _PAGE,
            "first": {"type": "integer", "minimum": 1, "description": "number of the first line"},
            "last": {"type": "integer", "minimum": 1, "description": "number of the last line"},
        },
        ("page", "first", "last"),
    ),
    "read_paragraphs": (
        "Get the exact text of some paragraphs, by the numbers that stand beside them on the pages.",
        {
            "first": {"type": "integer", "minimum": 1, "description": "number of the first paragraph"},
            "last": {"type": "integer", "minimum": 1, "description": "number of the last one; by default the first"},
        },
        ("first",),
    ),
    "search": (
        "Find a word or phrase in the document. Get the pages and lines that have it, with their exact text.",
        {"text": {"type": "string", "description": "the word or phrase, as it is spelled in the document"}},
        ("text",),
    ),
    "zoom": (
        "Get a part of one page as a new image with larger type.",
        {
            "page": _PAGE,
            "region": {
                "type": "string",
                "description": "all, top, middle, bottom, left or right; or x0, y0, x1, y1 in thousandths of the page",
            },
        },
        ("page",),
    ),
    "enlarge": (
        "Get the pages that have certain phrases once more, with these phrases in larger type.",
        {
            "phrases": {
                "type": "array",
                "items": {"type": "string"},
                "description": "words or phrases, as they are spelled in the document",
            }
        },
        ("phrases",),
    ),
}

_INSTRUCTION: Final = (
    "The user's document comes first, as images of its pages in small type. Find out from the images which pages "
    "matter, then use the tools to get what you need from them. Do not read what does not matter. {listed}Answer from "
    "the document alone. If it does not say, say so instead of guessing."
)
_LISTED: Final = "Exact strings that are listed after the pages need not be read: copy them from the list. "
_HOW: Final = (
    "\n\nTo call a tool, write one line such as\n{example}\nand nothing after it. You get the answer in the next turn. "
    "The tools:\n{tools}"
)
_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "read_page": {"page": 2},
    "read_lines": {"page": 2, "first": 1, "last": 9},
    "read_paragraphs": {"first": 12, "last": 14},
    "search": {"text": "parcel"},
    "zoom": {"page": 2, "region": "top"},
    "enlarge": {"phrases": ["the parcel"]},
}


def tool_names(expand: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the tools of a kind, or a list of names as it is.

    >>> tool_names("text"), tool_names(["read_page"])
    (('read_page', 'read_lines', 'search'), ('read_page',))

    Raises:
        DataError: there is no such kind or tool, or no name.
    """
    if isinstance(expand, str):
        if expand not in EXPAND_TOOLS:
            raise DataError(f"expand={shown(expand)} is not known. Use {', '.join(EXPAND_TOOLS)}, or names of tools.")
        return EXPAND_TOOLS[expand]
    names = tuple(expand) if isinstance(expand, list | tuple) else ()
    if not names or not all(isinstance(name, str) and name in _SPECS for name in names):
        raise DataError(f"expand={shown(expand)} is no list of tools. Use some of {', '.join(_SPECS)}.")
    return tuple(dict.fromkeys(names))


def chat_tools(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tools in the form of chat completions.

    >>> chat_tools(["read_page"])[0]["function"]["parameters"]["required"]
    ['page']
    """
    return [
        {"type": "function", "function": {"name": name, "description": _SPECS[name][0], "parameters": _schema(name)}}
        for name in names
    ]


def anthropic_tools(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tools in the form of Anthropic's Messages."""
    return [{"name": name, "description": _SPECS[name][0], "input_schema": _schema(name)} for name in names]


def instruction(names: Sequence[str], *, listed: bool, in_text: bool) -> str:
    """Return the system prompt for a model that may call tools.

    Args:
        names: names of the tools.
        listed: whether exact strings are listed after the pages.
        in_text: whether the tools are described in it, for models that know of tools only what the prompt says.
    """
    text = _INSTRUCTION.format(listed=_LISTED if listed else "")
    return text + tools_text(names) if in_text else text


def tools_text(names: Sequence[str]) -> str:
    """Return the part of a system prompt that says how tools are called in plain text."""
    tools = "\n".join(
        f"- {_SPECS[name][0]} {json.dumps({'name': name, 'arguments': _EXAMPLES[name]})}" for name in names
    )
    example = json.dumps({"name": names[0], "arguments": _EXAMPLES[names[0]]})
    return _HOW.format(example=f"<tool_call>{example}</tool_call>", tools=tools)


def _schema(name: str) -> dict[str, Any]:
    _, properties, required = _SPECS[name]
    return {"type": "object", "properties": properties, "required": list(required)}
