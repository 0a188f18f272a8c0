"""A page as HTML beside its source: the word under the pointer is marked in both. Also a wipe between two images.

The HTML holds no script, no handler and no style attribute, so a Content-Security-Policy can forbid them. `head` gives
the one script and the one style that all views of a page share. The text of a user stands in text and attributes only,
and is escaped there. Words are one attribute of numbers: an element for each would mean 1,800 elements a page.

Gradio's HTML component replaces the value of attributes and texts in place. So the script keeps what a person has
chosen (zoom, magnifier, place of the wipe) by the key of a view, and reads all else from the attributes each time.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.document.page import Page

__all__ = ["Picture", "document", "escaped", "head", "page_view", "wipe"]

# Coordinates of words are sent as whole tenths of a pixel: on one page of a novel 40 KB, a third of the image.
_TENTHS: Final = 10

_ZOOMS: Final = (
    ("fit", "Fit", "As wide as the window allows, and no wider than one CSS pixel for each pixel of the image"),
    ("1", "1:1", "Real size: each pixel of the image is one pixel of your screen"),
    ("2", "2:1", "Each pixel of the image is two by two pixels of your screen"),
    ("4", "4:1", "Each pixel of the image is four by four pixels of your screen"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An image to show, such as a page or what a model makes of it.

    Attributes:
        png: the image.
        size: width and height in pixels.
        label: one line that says which image it is.
    """

    png: bytes
    size: tuple[int, int]
    label: str

    @classmethod
    def of(cls, page: Page, *, label: str = "") -> Picture:
        """Draw a page, and return its picture. By default the label has the number and the size of the page."""
        width, height = page.size
        return cls(png=page.png(), size=page.size, label=label or f"Page {page.number}, {width}×{height} px")


def page_view(
    page: Page, *, key: str = "page", label: str = "", picture: Picture | None = None, editor: str = ""
) -> str:
    """Return the HTML of a page and of its source text, in which the same word is marked.

    With `head` in the document, pointing at a word of one marks it in the other; the arrow keys do the same. In rich
    text and markup the source is marked as it was written: pointing at the drawn `<` marks `&lt;`.

    Args:
        page: the page.
        key: a name for the place of this view on the screen. A view that replaces one of the same key keeps its zoom
            and its magnifier.
        label: one line that says what is shown; by default the number and the size of the page.
        picture: the image to show in place of the page, such as the page after a model's resize. The places of words
            are scaled to it.
        editor: CSS selector of the text box that holds the source. A click on a word, or Enter, selects the word there.

    >>> from glyphrender import render
    >>> html = page_view(render("a <b> c")[0])
    >>> "a &lt;b&gt; c" in html, "<b>" in html
    (True, False)
    """
    shown = picture or Picture.of(page)
    text = page.text
    start, end = page.span
    width, height = page.size
    about = escaped(label or shown.label)
    return (
        f'<section class="gv" data-glyphrender="page" data-key="{escaped(key)}" data-editor="{escaped(editor)}" '
        f'data-width="{width}" data-height="{height}" data-first="{start}" data-words="{_words(page, text)}" '
        f'aria-label="{about}">'
        f"{_bar(about)}"
        '<div class="gv-panes"><div class="gv-scroll">'
        f'<div class="gv-page" tabindex="0" role="application" aria-roledescription="page image" '
        f'aria-label="{about}. The arrow keys move from word to word.">'
        f"{_image(shown, about)}"
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true"><path/></svg>'
        "</div></div>"
        f'<div class="gv-text"><p class="gv-caption">Source, characters {start:,}–{end:,}</p>'
        # HTML drops one line end after <pre>, so one is added.
        f'<pre class="gv-source" tabindex="0" role="group" dir="auto" aria-label="Source text of the page. The left '
        f'and right arrow keys move from word to word.">\n{_source(text)}</pre></div></div>'
        '<p class="gv-status" role="status">Point at a word, or focus the page and use the arrow keys.</p>'
        "</section>"
    )


def wipe(left: Picture, right: Picture, *, key: str = "wipe") -> str:
    """Return the HTML of two images in one place, with a slider that says how much of each is seen.

    Both images are shown as wide as the wider one and are aligned at the top, so two sizes of one page match.

    Args:
        left: the image to the left of the slider.
        right: the image to the right of the slider.
        key: see `page_view`.

    >>> from glyphrender import render
    >>> page = render("In the beginning")[0]
    >>> wipe(Picture.of(page, label="one"), Picture.of(page, label="two")).count("<img")
    2
    """
    one, two = escaped(left.label), escaped(right.label)
    wider = max(left.size[0], right.size[0])
    return (
        f'<section class="gv" data-glyphrender="wipe" data-key="{escaped(key)}" data-width="{wider}" '
        f'aria-label="{one} beside {two}">'
        f"{_bar('')}"
        f'<p class="gv-sides"><span>◧ {one}</span><span>{two} ◨</span></p>'
        '<div class="gv-scroll"><div class="gv-stage">'
        f"{_image(right, two, wider)}{_image(left, one, wider)}"
        f'<div class="gv-handle" role="slider" tabindex="0" aria-label="Wipe between {one} (left) and {two} (right)" '
        'aria-orientation="horizontal" aria-valuemin="0" aria-valuemax="100" aria-valuenow="50" '
        'aria-valuetext="50% left, 50% right"></div>'
        "</div></div>"
        '<p class="gv-status">Drag the slider, or focus it and use the arrow keys.</p>'
        "</section>"
    )


@cache
def head() -> str:
    """Return the style and the script of all views, for the `<head>` of a document. They need no other file."""
    return f"<style>{_file('css')}</style><script>{_file('js')}</script>"


def document(body: str, *, title: str) -> str:
    """Return a whole HTML document of views. It loads nothing, and runs no script but that of `head`.

    Args:
        body: HTML of views.
        title: title of the document, as text.

    >>> "script-src 'sha256-" in document("", title="a page")
    True
    """
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(_file('css'))}'; script-src '{_digest(_file('js'))}'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title>{head()}</head>"
        f'<body class="gv-body"><main>{body}</main></body></html>\n'
    )


def _bar(about: str) -> str:
    """Return the toolbar of a view: its label, the zoom and the magnifier. `about` is HTML."""
    label = f'<span class="gv-label">{about}</span>' if about else ""
    zooms = "".join(
        f'<button type="button" data-zoom="{zoom}" aria-pressed="{"true" if zoom == "fit" else "false"}" '
        f'title="{title}">{name}</button>'
        for zoom, name, title in _ZOOMS
    )
    return (
        '<div class="gv-bar" role="toolbar" aria-label="Size">'
        f"{label}{zooms}"
        '<button type="button" data-lens aria-pressed="false" title="Four times as large under the pointer">'
        'Magnifier</button><span class="gv-scale"></span></div>'
    )


def _image(picture: Picture, about: str, width: int | None = None) -> str:
    """Return an image element; `about` is HTML. By default it is as wide as the picture."""
    across, down = picture.size
    shown = width or across
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<img alt="{about}" width="{shown}" height="{round(down * shown / across)}" decoding="sync" '
        f'draggable="false" src="data:image/png;base64,{data}">'
    )


def _words(page: Page, text: str) -> str:
    """Return six whole numbers for each word: left, top, right and bottom in tenths of a pixel, start and end.

    Offsets count from the start of the page, in UTF-16 code units, as a browser counts them.
    """
    words = page.words
    if not words:
        return ""
    boxes = np.rint(np.array([word.box for word in words]) * _TENTHS).astype(np.int64)
    places = np.array([(word.start, word.end) for word in words], np.int64) - page.span[0]
    return " ".join(map(str, np.hstack([boxes, _code_units(text)[places]]).ravel().tolist()))


def _code_units(text: str) -> NDArray[np.int64]:
    """Return, for each character of `text` and for its end, the number of UTF-16 code units before it."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.append(0, np.cumsum(1 + (points > 0xFFFF), dtype=np.int64))


def _source(text: str) -> str:
    """Return the HTML of a source text of which a browser keeps every code unit.

    HTML cannot hold U+0000 and lone surrogates, and turns carriage returns into line feeds.
    """
    return escaped(text).replace("\r", "&#13;")


def escaped(text: str) -> str:
    """Return `text` as HTML; characters that UTF-8 or HTML cannot hold become U+FFFD."""
    replaced = text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return escape(replaced)


def _file(suffix: str) -> str:
    """Return the style, "css", or the script, "js"."""
    names = {"css": ("view.css",), "js": ("lens.js", "view.js")}[suffix]
    return "".join((files(__package__) / name).read_text(encoding="utf-8") for name in names)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
