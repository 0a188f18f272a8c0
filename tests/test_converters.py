"""The output of a kept converter is drawn: HTML → Markdown by markdownify → pages (docs/converters.md)."""

from __future__ import annotations

import pytest

from glyphrender import render

HTML = """
<html><body><h1>Rates</h1>
<p>Valid <b>from May</b> on; ask <a href="https://example.org">us</a> &amp; others.</p>
<ul><li>one</li><li>two</li></ul>
<table><tr><th>city</th><th>rate</th></tr><tr><td>Bern</td><td>4</td></tr></table>
<pre><code>x = 1 &lt; 2</code></pre></body></html>
"""


def test_the_text_of_a_web_page_is_on_the_pages() -> None:
    markdownify = pytest.importorskip("markdownify", reason="the converter markdownify is in the extra `test`")
    text = markdownify.markdownify(HTML, heading_style="ATX")
    document = render(text, {"markup": "MARKDOWN"})
    assert "".join(page.text for page in document) == text
    drawn = " ".join("".join(page.drawn_text for page in document).split())
    for piece in ("Rates", "Valid from May on; ask us & others.", "one", "two", "city", "rate", "Bern", "x = 1 < 2"):
        assert piece in drawn
    for mark in ("#", "**", "&amp;", "&lt;", "https://", "|"):
        assert mark not in drawn
