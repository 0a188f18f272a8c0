"""The look of reports: the frame of a page, and the pieces that stand in it. Every text is escaped where it enters.

A report is one HTML file that needs no other file. Its Content-Security-Policy lets it load nothing, and names the one
script and the style sheets of the page by their SHA-256. So even markup that came in by a fault of ours could neither
run nor set a style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from glyphrender.report.colors import color_rules, plot_rules

__all__ = ["code_block", "details", "facts", "image", "json_data", "note", "report_page", "scroller", "section"]


def report_page(
    title: str, body: Iterable[str], *, about: str = "", tools: str = "", style: str = "", script: str = ""
) -> str:
    """Return a report as one HTML document.

    Args:
        title: title of the page, and its first heading.
        body: pieces of HTML, as the functions of this module return them.
        about: a text below the heading.
        tools: HTML beside the heading, such as buttons.
        style: style sheet of this kind of report, after the shared one.
        script: script of this kind of report, in place of the one that copies blocks.

    >>> page = report_page("<script>", [note("a & b")])
    >>> "<title>&lt;script&gt;</title>" in page, "<p>a &amp; b</p>" in page
    (True, True)
    """
    sheet = f"\n{color_rules()}{_shared('look.css')}{style}"
    code = f"\n{script or _shared('copy.js')}"
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src {_source(sheet)} {_source(plot_rules())}; script-src {_source(code)}"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{sheet}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{note(about)}{tools}
</header>
<main>
{_joined(body)}
</main>
<script>{code}</script>
</body>
</html>
"""


def section(title: str, *parts: str, about: str = "") -> str:
    """Return a section under a heading; `about` is a text below the heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{note(about)}{_joined(parts)}\n</section>"


def note(text: str, *, kind: str = "") -> str:
    """Return a paragraph, or "" for no text. The kind "standing" is for what a reader must know first.

    >>> note("Few & far", kind="standing")
    '<p class="standing">Few &amp; far</p>'
    """
    return f"<p{_class(kind)}>{escape(text)}</p>" if text else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a list of two columns."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"


def scroller(inner: str, label: str) -> str:
    """Return a region for what may be wider than the screen. It scrolls, by the keyboard too.

    Args:
        inner: HTML of a table or a plot.
        label: name of the region, for readers who do not see it.
    """
    return f'<div class="wide" role="region" aria-label="{escape(label)}" tabindex="0">{inner}</div>'


def code_block(text: str) -> str:
    """Return a block of code or JSON, with a button that copies it."""
    return (
        '<div class="copyable"><button type="button" class="copy">copy</button>'
        f'<pre tabindex="0">{escape(text)}</pre></div>'
    )


def details(summary: str, *parts: str) -> str:
    """Return pieces that are hidden until a reader opens them."""
    return f"<details><summary>{escape(summary)}</summary>{_joined(parts)}</details>"


def image(png: bytes, *, alt: str, size: tuple[int, int]) -> str:
    """Return an image whose bytes are in the page.

    Args:
        png: bytes of a PNG file.
        alt: text for readers who do not see it.
        size: width and height on the screen, in CSS pixels.
    """
    data = base64.b64encode(png).decode("ascii")
    return f'<img width="{size[0]}" height="{size[1]}" alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def json_data(value: Any) -> str:
    """Return an element that holds a value as JSON for the script of the page. Browsers do not run it.

    >>> json_data({"text": "</script>"})
    '<script type="application/json">{"text":"\\\\u003c/script>"}</script>'
    """
    # "<" is escaped, or else "</script>" in a text would end the element.
    data = json.dumps(value, separators=(",", ":")).replace("<", r"\u003c")
    return f'<script type="application/json">{data}</script>'


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""


def _source(content: str) -> str:
    """Return the expression of a Content-Security-Policy that allows one inline element of this content."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _shared(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
