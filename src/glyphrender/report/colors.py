"""The colors of reports and plots, each for a light and for a dark ground.

All reports take their colors from this one table. Text (`INKS`) has a contrast of 4.5 : 1 or more on every ground, and
marks of plots (`SERIES`, `STEPS`) have 3 : 1 or more, as WCAG 2.2 asks (1.4.3 and 1.4.11). A test computes both from
the style sheets. No meaning is told by color alone: series differ in shape too.
"""

from __future__ import annotations

from functools import cache
from typing import Final

__all__ = ["GROUNDS", "INKS", "LINES", "SERIES", "STEPS", "color_rules", "names", "paint", "plot_rules"]

#: Colors of text: name → (on a light ground, on a dark ground).
INKS: Final = {
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#57606a", "#9da7b1"),
    "alarm": ("#b42318", "#ff7b72"),
    "other": ("#a83a0b", "#ffa657"),
}

#: Colors of areas behind text.
GROUNDS: Final = {
    "ground": ("#ffffff", "#0d1117"),
    "panel": ("#f6f8fa", "#161b22"),
    "chosen": ("#fdf1f1", "#2d1618"),
}

#: Colors of rules, borders and grid lines. Nothing has to be read from them.
LINES: Final = {
    "rule": ("#d0d7de", "#30363d"),
    "firm": ("#8c959f", "#6e7681"),
    "faint": ("#eaeef2", "#21262d"),
}

#: Colors of series. Those of Okabe and Ito, darker on light grounds, so that names of series can be set in them.
SERIES: Final = (
    ("#0072b2", "#58a6ff"),
    ("#b84a00", "#ffa657"),
    ("#00775a", "#3fb68b"),
    ("#9c3f78", "#e08cc8"),
    ("#7a6200", "#d4b830"),
    ("#5a5ac8", "#a5a5f0"),
    ("#333333", "#e6edf3"),
)

#: Colors in an order, from the first step to the last (viridis, without its palest and darkest ends).
STEPS: Final = (
    ("#440154", "#b18be0"),
    ("#414487", "#8e9be8"),
    ("#2a788e", "#4fb3cc"),
    ("#1b8a6b", "#35c79a"),
    ("#4c8a1f", "#8bdb5e"),
    ("#8a7d00", "#f0e04a"),
)

_DARK: Final = "@media screen and (prefers-color-scheme: dark)"


@cache
def names() -> dict[str, tuple[str, str]]:
    """Return all colors by name; those of series are "series-0", …, those of steps "step-0", …"""
    numbered = {f"series-{number}": pair for number, pair in enumerate(SERIES)}
    numbered |= {f"step-{number}": pair for number, pair in enumerate(STEPS)}
    return {**INKS, **GROUNDS, **LINES, **numbered}


def color_rules() -> str:
    """Return CSS that declares the colors of text, grounds and rules as `--ink`, `--ground`, …, for both schemes.

    >>> color_rules().splitlines()[0][:34]
    ':root { color-scheme: light dark; '
    """
    named = {**INKS, **GROUNDS, **LINES}
    light, dark = (" ".join(f"--{name}: {pair[scheme]};" for name, pair in named.items()) for scheme in (0, 1))
    return f":root {{ color-scheme: light dark; {light} }}\n{_DARK} {{ :root {{ {dark} }} }}\n"


@cache
def plot_rules() -> str:
    """Return CSS for plots on dark screens. `paint` writes the light colors as attributes, which every reader knows."""
    rules = (f".plot .{kind[0]}-{name} {{ {kind}: {pair[1]} }}" for kind in _KINDS for name, pair in names().items())
    return f"{_DARK} {{ {' '.join(rules)} }}"


_KINDS: Final = ("fill", "stroke")


def paint(*, fill: str = "", stroke: str = "") -> str:
    """Return the attributes of an SVG element that is filled or drawn in colors of these names, in both schemes.

    >>> paint(fill="ground", stroke="rule")
    'class="f-ground s-rule" fill="#ffffff" stroke="#d0d7de"'
    """
    known = names()
    given = {kind: name for kind, name in zip(_KINDS, (fill, stroke), strict=True) if name}
    classes = " ".join(f"{kind[0]}-{name}" for kind, name in given.items())
    light = " ".join(f'{kind}="{known[name][0]}"' for kind, name in given.items())
    return f'class="{classes}" {light}' + ("" if fill else ' fill="none"')
