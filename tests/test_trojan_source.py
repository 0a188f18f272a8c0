"""Under the presets for code, a line is read back from its page: no character reorders it or vanishes.

The samples are of the kinds in Boucher and Anderson, "Trojan Source: Invisible Vulnerabilities" (2021).
"""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from glyphrender import Theta, Typesetter, default_typesetter, render
from glyphrender.text.bidi import FORMATTING
from glyphrender.text.properties import Flag, records, table
from glyphrender.typeset.place import place
from glyphrender.typeset.word_characters import escape_of

CODE = ("code", "code_style", "code-flow")
SAMPLES = {
    "early return": "'''Subtract funds, then \u2067''' ;return\n",
    "early return in a docstring": "    ''' Subtract amount \u2067 ''' ;return\n    bank[account] -= amount\n",
    "commented out": "/*\u202e } \u2066if (isAdmin)\u2069 \u2066 begin admins only */\n",
    "stretched string": 'if access_level != "none\u202e\u2066": # If admin\u2069\u2066" and access_level != "user\n',
    "invisible function": "def is\u200bAdmin(): return True\ndef isAdmin(): return False\n",
    "invisible filler": "const { timeout,\u3164} = req.query; run(\u115f, \uffa0)\n",
    "embedding": "x = 1 \u202b# a \u202a b \u202c c\u202c ; y\n",
    "override left to right": "\u202dabc\u202c \u202edef\u202c 12\u202e34\n",
    "first strong isolate": "\u2068 1 + 2 \u2069 * 3\n",
    "marks": "a\u200f + 1\u200e * 2\u061c - 3\n",
    "never closed": "\u2067\u2067\u202e" * 70 + " end\n",
    "only closed": "\u2069\u202c ( x ) \u2069\n",
    "soft hyphen": "ad\u00admin = ad\u00admin\n",
    "tag characters": "a\U000e0069\U000e0067 = 1\n",
    "variation selectors": "a\ufe0f\ufe00b\U000e0100 = 1\n",
    "mathematical operators": "f\u2061(x)\u2062y\u2063z\u2064w \u180e\ufeff \u2060\n",
    "a paragraph separator of UAX #9 alone": "a\x1c\u202eb\x1d1 + 2\x1e ; c\n",
}


def escaped(text: str) -> str:
    """Return `text` with every character that is not ASCII, and every control, as its escape."""
    return "".join(c if " " <= c <= "~" or c == "\n" else escape_of(ord(c)) for c in text)


def read_back(text: str, theta: Theta) -> str:
    """Return what the pages of an ASCII text show, read from left to right and from top to bottom, without spaces."""
    stack = default_typesetter().shaper.style(theta).stack
    primary = stack.primary
    character = {primary.hb_font.get_nominal_glyph(cp): chr(cp) for cp in range(0x21, 0x7F)}
    shown: list[str] = []
    for page in default_typesetter().layout_pages(text, theta):
        for block in page.blocks:
            placed = place(block, theta)
            assert (placed.face == 0).all()
            line = np.repeat(np.arange(len(placed.baseline)), np.diff(placed.glyph_bounds))
            for at in np.lexsort((placed.x, line)).tolist():
                shown.append(character[int(placed.glyph[at])])
    return "".join(shown)


@pytest.mark.parametrize("preset", CODE)
@pytest.mark.parametrize("kind", SAMPLES)
def test_code_is_read_back_from_its_page_in_the_order_of_the_source(kind: str, preset: str) -> None:
    theta = Theta.preset(preset).replace(line_numbers=0, newline_markup="<br/>", continuation_mark="")
    text = SAMPLES[kind]
    assert read_back(text, theta) == "".join(escaped(text).split())


@pytest.mark.parametrize("control", FORMATTING)
def test_a_control_drawn_as_an_escape_leaves_the_text_around_it_in_its_own_order(control: str) -> None:
    """The line is set as if an object of one place, here U+FFFC, stood where the control is."""
    theta = Theta(zero_width="ESCAPE", font="DejaVu Sans Mono", page_size=(4000, 200))
    for text in ("abc @ 1, 2 אבג @ @ דה 34 @ 5 xyz", "אבג @ abc @ (1) @ דה", "@ אב\nab @ \u05d0 1"):
        with_object = [w.text for w in _in_order(text.replace("@", "\ufffc"), theta)]
        with_escape = [w.text for w in _in_order(text.replace("@", control), theta)]
        assert [word.replace(control, "\ufffc") for word in with_escape] == with_object


def _in_order(text: str, theta: Theta) -> list:
    return sorted(render(text, theta)[0].pieces, key=lambda word: (word.box[1], word.box[0]))


def test_no_character_of_code_vanishes() -> None:
    """Every default-ignorable character, assigned or not, and every format character draws something of its own."""
    cps = np.arange(0x80, 0x110000, dtype=np.uint32)
    flags = table().flags.take(records(cps))
    ignorable = cps[(flags & Flag.DEFAULT_IGNORABLE) != 0].tolist()
    assert {0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200D, 0x202E, 0x2064, 0x2065} <= {
        *ignorable
    }
    assert {0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0, 0x1BCA0, 0x1D173, 0xE0001, 0xE007F, 0xE01EF} <= {*ignorable}
    theta = Theta.preset("code").replace(line_numbers=0, continuation_mark="", page_size=(504, 14000))
    text = "".join(f"a{chr(cp)}b\n" for cp in ignorable)
    assert read_back(text, theta) == "".join(f"a{escape_of(cp)}b" for cp in ignorable)
    seen = set(ignorable)
    fixed = theta.replace(page_size=(168, 56), auto_crop_width=False, auto_crop_last_page=False)
    without = render("ab", fixed)[0].array
    for cp in (cp for cp in range(0x80, 0xE0000) if unicodedata.category(chr(cp)) == "Cf" and cp not in seen):
        assert not np.array_equal(render(f"a{chr(cp)}b", fixed)[0].array, without), f"U+{cp:04X}"


def test_escapes_order_the_same_in_a_paragraph_longer_than_a_chunk() -> None:
    """The base direction of a paragraph that goes on is that of its visible text, not that of an escaped control."""
    text = "\u200f" + "1 2 " * 100 + "\n"
    theta = Theta(zero_width="ESCAPE", page_size=(200, 400))
    whole = render(text, theta)
    cut = render(text, theta, typesetter=Typesetter(chunk_size=64))
    assert [word.box for page in whole for word in page.words] == [word.box for page in cut for word in page.words]
    assert whole[0].words[0].box[0] < 20


@pytest.mark.parametrize("policy, drawn", [("HIDE", "ab"), ("SHOW", "a\u2010b"), ("ESCAPE", "a\\xadb")])
def test_a_soft_hyphen_is_drawn_as_the_policy_says(policy: str, drawn: str) -> None:
    theta = Theta(soft_hyphens=policy, font="DejaVu Sans Mono")
    one, other = (render(text, theta)[0].array for text in ("a\u00adb", drawn))
    np.testing.assert_array_equal(one, other)
