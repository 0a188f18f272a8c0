"""Hypothesis strategies shared by the tests."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from glyphrender.errors import ThetaError
from glyphrender.theta import (
    PARAMETERS,
    BlankLines,
    CarriageReturn,
    Emoji,
    Indentation,
    Markup,
    Overlap,
    PageNumber,
    ParagraphIds,
    Theta,
)
from glyphrender.theta.color import contrast
from glyphrender.theta.constraints import MIN_CONTRAST
from glyphrender.theta.parameter import Choice, TrueOrFalse


def exploring() -> bool:
    """Return whether property tests look at new examples: the profile "explore", see conftest.py."""
    return not settings.default.derandomize


def examples(count: int) -> settings:
    """Return settings for a property test over whole pages: `count` examples, or as many as exploring asks for.

    There is no deadline, because the first example that needs a font pays for opening it.
    """
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    most = settings.default.max_examples if exploring() else count
    return settings(max_examples=most, deadline=None, suppress_health_check=slow)


FAMILIES = (
    "DejaVu Sans",
    "DejaVu Sans Condensed",
    "DejaVu Sans Mono",
    "DejaVu Serif",
    "Inter",
    "Atkinson Hyperlegible",
    "Noto Sans",
    "Spleen",
    "Unifont",
)
MARKUPS = ("<br/>", "<br/>", " ↵ ", "⏎")
RED_MARKUPS = (*MARKUPS, r'<font color="#FF0000"> \n </font>', "<font color='red'>&lt;n&gt;</font>")
LANGUAGES = ("", "en", "de-1996", "zh-Hans", "zh-TW", "ja", "ar", "th", "sr-Latn")


def lengths(low: float, high: float) -> st.SearchStrategy[float]:
    """Return lengths in whole hundredths of a point: people write such lengths, and a failure is easy to read."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda hundredths: hundredths / 100)


def greys() -> st.SearchStrategy[str]:
    return st.integers(0, 255).map(lambda level: f"#{level:02X}{level:02X}{level:02X}")


def colors() -> st.SearchStrategy[str]:
    return st.one_of(greys(), st.integers(0, 0xFFFFFF).map(lambda rgb: f"#{rgb:06X}"))


@st.composite
def thetas(draw: st.DrawFn, *, max_pixels: float = 1e6, **fixed: Any) -> Theta:
    """Draw a valid θ with random values in all fields; the `fixed` fields have the values given.

    The page is built outwards from a text area of a few ems and lines. So no example is thrown away (unless the size of
    the page is fixed), and narrow pages, where layout is hard, are as common as wide ones.
    """
    # Under a markup, pages draw another text than the source. tests/test_markup_pages.py asks for each of them.
    values: dict[str, Any] = {"markup": "NONE", "indentation": "KEEP", **fixed}

    def pick(name: str, strategy: st.SearchStrategy[Any]) -> Any:
        if name not in values:
            values[name] = draw(strategy)
        return values[name]

    neutral = draw(st.booleans())  # a page of many colors is rarely grey by chance
    if neutral:
        values.setdefault("emoji", Emoji.MONO)
    for name, accepted in PARAMETERS.items():
        if isinstance(accepted, TrueOrFalse):
            pick(name, st.booleans())
        elif isinstance(accepted, Choice):
            pick(name, st.sampled_from(list(accepted.choices)))

    markup = values["markup"] != Markup.NONE or values["indentation"] != Indentation.KEEP
    if values["carriage_return"] == CarriageReturn.OVERWRITE or markup:
        values |= {"unwrap": False, "blank_lines": BlankLines.KEEP}
    size = pick("font_size", lengths(4, 24))
    least = 0.7 * size if values["overlap"] == Overlap.ALLOW else size
    leading = pick("line_height", lengths(math.ceil(100 * least) / 100, 2 * size))
    em = size * pick("horizontal_scale", st.one_of(st.just(1.0), lengths(0.5, 1.5)))
    tightest = math.ceil(-12 * em) / 100  # half of what is allowed, since the two add up
    pick("letter_spacing", lengths(tightest, 5))
    pick("word_spacing", lengths(tightest, 5))
    pick("font", st.sampled_from(FAMILIES))
    pick("fallback", st.lists(st.sampled_from(FAMILIES), max_size=2, unique=True).map(tuple))
    pick("font_weight", st.sampled_from((100, 400, 700)))
    pick("justify_stretch", lengths(1, 10))
    pick("space_before", lengths(0, 30))
    pick("space_after", lengths(0, 30))
    pick("tab_width", st.integers(1, 12))
    pick("page_grid", st.sampled_from((1, 1, 14, 28, 32)))
    pick("min_pixels", st.sampled_from((0, 0, 6272, 65_536)))
    pick("language", st.sampled_from(LANGUAGES))

    # Any color has a contrast of at least 4.58 to black or to white.
    shades = greys() if neutral else colors()
    pick("page_bg_color", shades)
    pick("para_bg_color", st.one_of(st.just(""), shades))
    pick("para_border_color", shades)
    behind = values["para_bg_color"] or values["page_bg_color"]
    safe = max("#000000", "#FFFFFF", key=lambda ink: contrast(ink, behind))
    pick("font_color", shades.map(lambda ink: ink if contrast(ink, behind) >= MIN_CONTRAST else safe))
    red_reads = not neutral and contrast("#FF0000", behind) >= MIN_CONTRAST
    pick("newline_markup", st.sampled_from(RED_MARKUPS if red_reads else MARKUPS))

    pick("continuation_indent", st.sampled_from((0.0, 0.0, 3.5, 40.0)))
    pick("continuation_mark", st.sampled_from(("", "", "↪", "»»")))
    digits = pick("line_numbers", st.sampled_from((0, 0, 3, 6)))
    left = pick("left_indent", lengths(0, 30))
    indents = left + pick("right_indent", lengths(0, 30))
    indents += max(0.0, pick("first_line_indent", lengths(-left, 30)))
    inset = pick("border_width", lengths(0, 3)) + pick("border_padding", lengths(0, 10))
    if digits and "paragraph_ids" not in fixed:
        values["paragraph_ids"] = ParagraphIds.NONE
    ids = pick("paragraph_label", st.sampled_from(("§{id}", "{id}", "[{id}]")))
    if values["paragraph_ids"] != ParagraphIds.NONE:
        digits = len(ids.replace("{id}", "000"))
    gutter = (0.7 * digits + 0.8) * em if digits else 0.0
    text = em * draw(st.one_of(st.integers(1, 8), st.integers(8, 60)))
    lines = draw(st.one_of(st.integers(1, 4), st.integers(4, 60)))
    if contrast(values["font_color"], values["page_bg_color"]) < MIN_CONTRAST:
        values |= {"page_number": PageNumber.NONE, "page_header": ""}
    header = pick("page_header", st.sampled_from(("", "", "{page}", "Ẫ {file} · {section} جدول 漢字 {page}")))
    numbered = values["page_number"] != PageNumber.NONE
    label = pick("page_label", st.sampled_from(("{page}", "p. {page}", "A")))
    text = max(text, 0.7 * em * len(label)) if numbered else text
    column = gutter + indents + 2 * inset + text + pick("column_gap", lengths(0, 30))
    width = 2 * pick("margin_x", lengths(0, 40)) + pick("columns", st.integers(1, 3)) * column
    height = (
        2 * pick("margin_y", lengths(size if numbered or header else 0, 40)) + 2 * inset + max(size, leading) * lines
    )
    width, height = pick("page_size", st.just((max(8.0, math.ceil(width) + 1.0), max(8.0, math.ceil(height) + 1.0))))

    most = 72 * math.sqrt(max_pixels / (width * height))
    pick(
        "dpi",
        st.sampled_from((36, 72, 72, 72.5, 96, 144)).map(lambda dpi: min(dpi, max(8, math.floor(most)))),
    )
    try:
        return Theta(**values)
    except ThetaError:
        if fixed:  # the fixed fields may contradict each other or the values drawn
            reject()
        raise


# The ingredients of texts. Each is a kind of trouble, and trouble is worst where two kinds meet.
INGREDIENTS = (
    "abc defg hij",
    "fi ffl AV To",
    "0123456789.,:;-+/%$€",
    "()[]{}<>\"'«»“”‘’",
    "    ",
    "\t",
    "\n\n\r\r\n\v\f\x85\u2028\u2029",
    "éàüñ ἄρχων Начало",
    "e\u0301\u0308\u0325\u200d\ufe0f\u20e3",
    "中文字日本語漢",
    "│┌─┬╔═╗╭░▓▌╳ ├── ",
    "、。「」（）ー々ぁっァ・！",
    "한국어 가나다",
    "العربية والنص",
    "עברית אבג",
    "हिन्दी क्षत्रिय",
    "ไทยภาษา ລາວ ខ្មែរ မြန်",
    "བོད་ཡིག ᠮᠣᠩᠭᠣᠯ ߒߞߏ ܣܘܪܝܝܐ",
    "👩‍👩‍👧👍🏽🇫🇷🇩🇪1️⃣☺︎☺️",
    "\u00ad\u200b\u2060\ufeff\u200c\u034f",
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "\0\x07\x1b\x7f\x80\x9f",
    "\x1b[1;31m\x1b]8;;a b\x1b\\\x9bK\x1b(B\x1bP q\x07\x9c",
    "10%\r20%\r\b\b3 _\bu\r\n",
    "\ud800\udbff\udc00\udfff",
    "\ue000\U0010ffff\U000e0041\ufffe\U0001d518\U00013000\U0002f800",
    "\u00a0\u2007\u2009\u202f\u3000\u1680",
)


def texts(*, max_size: int = 60) -> st.SearchStrategy[str]:
    """Return texts over all of Unicode with many scripts, every separator, long tokens and unpaired surrogates."""
    stew = st.sampled_from("".join(INGREDIENTS))
    pure = st.sampled_from(INGREDIENTS).flatmap(lambda some: st.text(st.sampled_from(some), max_size=12))
    repeated = st.builds(lambda one, count: one * count, stew, st.integers(2, 80))
    parts = st.one_of(pure, st.sampled_from(INGREDIENTS), st.text(stew, max_size=8), st.text(max_size=5), repeated)
    return st.lists(parts, max_size=max_size // 6).map("".join)
