"""Where lines may break, against UAX #14 over whole paragraphs; and where they do, against first principles."""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_left
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import example, given
from hypothesis import strategies as st
from nasty import NASTY
from strategies import examples, exploring, texts
from unicode_data import break_cases, extents, unicode_texts

from glyphrender import Theta, Typesetter, layout
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text import grapheme, linebreak
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import Flag, codepoints, records, table
from glyphrender.text.source import Chunk
from glyphrender.typeset import analyse, greedy
from glyphrender.typeset.glyph_store import NEWLINE, NO_BREAK
from glyphrender.typeset.optimal import even_breaks
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.word_cache import WordCache

# Ligatures are off: a break between two letters that share a glyph is no break, and that is not tested here.
PLAIN = Theta(ligatures=False)


def word_cache() -> WordCache:
    shaper = default_typesetter().shaper
    return shaper.words(shaper.style(PLAIN))


def plain_segments(text: str) -> SegmentTable:
    return analyse.analyse_plain(Chunk(text=text, offset=0, line=0), word_cache())


def full_segments(text: str) -> SegmentTable:
    return analyse.analyse_full(Chunk(text=text, offset=0, line=0), codepoints(text), word_cache(), None)


def check_breaks(text: str, segments: SegmentTable) -> None:
    """Check that `segments` allow a break exactly where UAX #14 and `complex_breaks` do, over the whole paragraph.

    A tab has class BA in UAX #14; here it counts as a space.
    """
    lengths = segments.lengths()
    assert lengths.sum() == len(text)
    assert (lengths >= 0).all()
    stop = np.cumsum(lengths)
    cps = codepoints(text)
    actions = default_typesetter().shaper.style(PLAIN).break_actions(codepoints(text.replace("\t", " ")))
    # A line is never broken between spaces and a line end, because they hang.
    ignored = np.append(np.isin(cps, [ord(mark) for mark in LINE_ENDS]), False)
    ours = {int(at) for at in stop[segments.breaks != NO_BREAK] if 0 < at < len(text) and not ignored[at]}
    allowed = np.flatnonzero(actions[:-1] == linebreak.ALLOWED) + 1
    theirs = {int(at) for at in allowed if not ignored[at]}
    assert ours <= theirs
    # Two things are not cut: clusters of UAX #29, and invisible characters, which go with the character before them.
    starts = grapheme.cluster_starts(cps)
    invisible = (table().flags[records(cps)] & Flag.DEFAULT_IGNORABLE) != 0
    # A flag is not cut either where a font pairs the letters R, RE unlike UAX #29.
    letter = (cps >= 0x1F1E6) & (cps <= 0x1F1FF)
    lost = {at for at in theirs - ours if starts[at] and not invisible[at] and not letter[at]}
    assert lost == set()
    must = set((np.flatnonzero(actions[:-1] == linebreak.MANDATORY) + 1).tolist())  # without LB3, the end of the text
    assert set(stop[segments.kinds() >= NEWLINE].tolist()) - {len(text)} == must


def breaks_plainly(text: str) -> bool:
    """Return whether the text has no line end but LF, so that `analyse_plain` may take it."""
    return not set(text) & (set(LINE_ENDS) - {"\n"})


@pytest.mark.slow
@extents
def test_joined_words_break_as_the_line_break_test_says(folder: Path) -> None:
    cases = break_cases(folder, "LineBreakTest.txt")
    some = 1 if exploring() or len(cases) < 5000 else 16
    for text, _ in cases[::some]:
        for segments in [full_segments(text)] + ([plain_segments(text)] if breaks_plainly(text) else []):
            check_breaks(text, segments)


@pytest.mark.slow
@examples(300)
@given(unicode_texts() | texts() | st.lists(unicode_texts(3), max_size=9).map(" ".join))
@example("( \u0301a")
@example("« a »  « b »")
@example("a\u200b  b")
@example(" \u0301 a")
@example("— — —")
@example("a\t: b\t\tc")
@example("文\u200fא")
@example("( \tb \t\n \t")
def test_joined_words_break_as_whole_paragraphs_do(text: str) -> None:
    if not text:
        return
    check_breaks(text, full_segments(text))
    if breaks_plainly(text):
        check_breaks(text, plain_segments(text))


@pytest.mark.parametrize("name", [name for name, text in NASTY.items() if 0 < len(text) < 20_000])
def test_nasty_texts_break_as_whole_paragraphs_do(name: str) -> None:
    check_breaks(NASTY[name], full_segments(NASTY[name]))
    if breaks_plainly(NASTY[name]):
        check_breaks(NASTY[name], plain_segments(NASTY[name]))


# -- which of these breaks are taken ---------------------------------------------------------------------------

# At 10 pt, a–z are 6 pt wide and a space is 5 pt. A measure of 60 pt holds ten letters. The tenth of a point is room
# for rounding, because each advance is rounded to a 65536th of an em.
BOX = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(60.1, 500), margin_x=0, margin_y=0)
words = st.lists(st.text("abcdehm", min_size=1, max_size=13), min_size=1, max_size=14)


def set_lines(text: str, theta: Theta = BOX) -> list[str]:
    return [line.text for page in layout(text, theta) for line in page.lines]


def width_of(line: str) -> int:
    """Return the width of a line of Boxes.ttf in points, at 10 pt; spaces at its end hang."""
    return sum(5 if character == " " else 6 for character in line.rstrip(" "))


def columns_of(text: str, tab: int) -> int:
    """Return the columns that a line takes on a typewriter; blanks at its end hang."""
    column = 0
    for character in text.rstrip(" \t"):
        column += tab - column % tab if character == "\t" else 1
    return column


def typewritten(text: str, width: int, tab: int) -> list[str]:
    """Return the lines of a text of words, spaces and tabs, as a typewriter with tab stops would set it."""
    lines = []
    for paragraph in text.splitlines(keepends=True):
        rest = paragraph.rstrip("\n")
        while columns_of(rest, tab) > width:
            ends = [at for at in range(1, len(rest)) if rest[at - 1] in " \t" and rest[at] not in " \t"]
            fitting = [at for at in ends if columns_of(rest[:at], tab) <= width]
            if not ends:
                break
            at = (fitting or ends[:1])[-1]
            lines.append(rest[:at])
            rest = rest[at:]
        lines.append(rest + paragraph[len(paragraph.rstrip("\n")) :])
    return lines


@pytest.mark.slow
@examples(150)
@given(
    st.lists(st.sampled_from([" ", "  ", "\t", "\t\t", "\n", "a", "bc", "def", "ghijk"]), max_size=40).map("".join),
    st.integers(5, 20),
    st.integers(1, 9),
    st.sampled_from(["GREEDY", "OPTIMAL"]),
    st.sampled_from([64, 1 << 17]),
)
@example("a\t\n\tbc\t" * 40 + "a", 6, 4, "GREEDY", 64)
def test_lines_with_tabs_break_as_on_a_typewriter(text: str, width: int, tab: int, breaker: str, chunk: int) -> None:
    """No word is wider than a line here, and a space is as wide as a letter."""
    words = re.sub("[^ \t\n]{6,}", lambda match: match.group()[:5], text)
    if breaker == "OPTIMAL":  # which breaks paragraphs with tabs greedily
        words = "".join("\t" + line for line in words.splitlines(keepends=True))
    theta = Theta(
        font="DejaVu Sans Mono", font_size=10, line_height=10, tab_width=tab, line_breaker=breaker,
        page_size=(6.021 * width, 10_000), margin_x=0, margin_y=0,
    )  # fmt: skip
    pages = layout(words, theta, typesetter=Typesetter(chunk_size=chunk))
    assert [line.text for page in pages for line in page.lines] == typewritten(words, width, tab)


@pytest.mark.parametrize(
    "text, lines",
    [
        ("aaaaa bb\tc", ["aaaaa bb\t", "c"]),  # the tab would reach 80 pt, but nothing is drawn there
        ("aaaaa bb\t\tc", ["aaaaa bb\t\t", "c"]),
        ("aaaaa bbbb\t\x00\t", ["aaaaa bbbb\t", "\x00\t"]),  # a word of no width is on a line too
        ("aaaaa bb\t cc", ["aaaaa bb\t ", "cc"]),
        ("a\tb", ["a\tb"]),
        ("a\t) bbb", ["a\t) ", "bbb"]),
        ("\t\t) b", ["\t\t", ") b"]),  # LB13 forbids it, but there is no room for both
        ("aaaaa bb\t \t\n", ["aaaaa bb\t \t\n"]),
    ],
)
def test_tabs_hang_at_the_end_of_a_line(text: str, lines: list[str]) -> None:
    theta = BOX.replace(tab_width=8, control_characters="HIDE")
    assert set_lines(text, theta) == lines
    assert max(line.box[2] for page in layout(text, theta) for line in page.lines) <= 60.1


@given(words)
def test_greedy_lines_hold_all_that_fits(words: list[str]) -> None:
    """The expected lines are found by first fit, as on paper. A word wider than a line begins a new line and is cut."""
    expected, line = [], ""
    for word in words:
        if line and width_of(line + word) > 60:
            expected.append(line)
            line = ""
        line += word
        while width_of(line) > 60:
            expected.append(line[:10])
            line = line[10:]
        line += " "
    expected.append(line)
    expected[-1] = expected[-1].removesuffix(" ")
    assert set_lines(" ".join(words)) == [line for line in expected if line]


@pytest.mark.slow
@given(st.lists(st.text("abcdehm", min_size=1, max_size=9), min_size=1, max_size=9))
def test_optimal_lines_have_the_least_sum_of_squares(words: list[str]) -> None:
    """All ways of breaking are tried: 2^8 at most."""

    def cost(lines: list[str]) -> float:
        if any(width_of(line) > 60 for line in lines):
            return float("inf")
        return sum((60 - width_of(line)) ** 2 for line in lines[:-1])

    def broken(cuts: tuple[int, ...]) -> list[str]:
        edges = [0, *cuts, len(words)]
        return [" ".join(words[start:end]) for start, end in zip(edges[:-1], edges[1:], strict=True)]

    gaps = range(1, len(words))
    least = min(cost(broken(cuts)) for count in range(len(words)) for cuts in combinations(gaps, count))
    text = " ".join(words)
    optimal = set_lines(text, BOX.replace(line_breaker="OPTIMAL"))
    assert cost(optimal) == least <= cost(set_lines(text))


def test_optimal_lines_are_no_worse_than_greedy_ones_in_prose() -> None:
    text = (Path(__file__).parent / "data/udhr-eng.txt").read_text(encoding="utf-8")
    ragged = {}
    for breaker in ("GREEDY", "OPTIMAL"):
        theta = Theta(page_size=(200, 800), line_breaker=breaker)
        total = 0.0
        for page in layout(text, theta):
            for line in page.lines:
                if not line.text.endswith("\n"):
                    total += (theta.measure - (line.box[2] - line.box[0])) ** 2
        ragged[breaker] = total
    assert ragged["OPTIMAL"] < 0.9 * ragged["GREEDY"]


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60),
    st.integers(12, 40),
    st.integers(12, 40),
    st.booleans(),
)
def test_even_breaks_have_the_least_sum_whatever_the_number_of_words_on_a_line(
    words: list[tuple[int, int]], first: int, rest: int, hyphens: bool
) -> None:
    starts, ends, at = [], [], 0
    for number, (width, gap) in enumerate(words):
        starts.append(at)
        ends.append(at + width + (2 if hyphens and number % 3 == 0 and width < 10 else 0))
        at += width + gap

    def left(begin: int, end: int) -> int:
        return (rest if begin else first) - (ends[end] - starts[begin])

    least = [0.0]  # of the lines up to each opportunity; the last line costs nothing
    for end in range(len(words)):
        last = end == len(words) - 1
        costs = [least[b] + (0 if last else left(b, end) ** 2) for b in range(end + 1) if left(b, end) >= 0]
        least.append(min(costs, default=math.inf))
    cuts = even_breaks(starts=starts, ends=ends, first=first, rest=rest)
    lines = list(zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(words) - 1], strict=True))
    assert all(left(begin, end) >= 0 for begin, end in lines)
    assert sum(left(begin, end) ** 2 for begin, end in lines[:-1]) == least[-1]


@pytest.mark.parametrize("count", [40, 400, 4000])
@pytest.mark.parametrize("odd", [8, 31])
def test_even_breaks_of_long_paragraphs_have_the_least_sum(count: int, odd: int) -> None:
    """Words of one width and a few others, some 50 on a line: Chinese with a Latin word now and then."""
    rng, starts, ends, at = random.Random(count), [], [], 0
    for _ in range(count):
        width = rng.choice([8] * 30 + [4, odd])
        starts.append(at)
        ends.append(at := at + width)
    least, rest = [0.0], 401
    for end in range(count - 1):
        begins = range(max(0, end - 110), end + 1)
        costs = [least[b] + (rest - ends[end] + starts[b]) ** 2 for b in begins if ends[end] - starts[b] <= rest]
        least.append(min(costs, default=math.inf))
    begin = bisect_left(starts, ends[-1] - rest)
    cuts = even_breaks(starts=starts, ends=ends, first=rest, rest=rest)
    lines = list(zip([0, *(cut + 1 for cut in cuts)], cuts, strict=False))
    assert all(ends[end] - starts[begin] <= rest for begin, end in lines)
    assert sum((rest - ends[end] + starts[begin]) ** 2 for begin, end in lines) == min(least[begin:])


def test_even_breaks_stop_before_what_fits_nowhere() -> None:
    assert even_breaks(starts=[0, 5, 10], ends=[4, 9, 14], first=9, rest=9) == [1]
    assert even_breaks(starts=[0, 5], ends=[4, 50], first=9, rest=9) == [0]
    assert even_breaks(starts=[0], ends=[50], first=9, rest=9) == []
    assert even_breaks(starts=[0], ends=[5], first=9, rest=9) == []


# -- kinsoku, long tokens, hyphens ---------------------------------------------------------------------

NOT_AT_START = "、。」』）】〕〉》！？ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
NOT_AT_END = "「『（【〔〈《"


@pytest.mark.parametrize("breaker", ["GREEDY", "OPTIMAL"])
@pytest.mark.parametrize("width", [31, 43, 57, 80, 124])
def test_kinsoku_keeps_closing_marks_off_line_starts_and_opening_ones_off_line_ends(width: int, breaker: str) -> None:
    text = (Path(__file__).parent / "data/udhr-jpn.txt").read_text(encoding="utf-8")
    theta = Theta(page_size=(width, 800), margin_x=0, language="ja", line_breaker=breaker)
    lines = set_lines(text, theta)
    assert len(lines) > len(text) * 9 / width
    first_of_paragraph = True
    for line in lines:
        if not first_of_paragraph:
            assert line[0] not in NOT_AT_START, line
        first_of_paragraph = line.endswith("\n")
        if not first_of_paragraph:
            assert line[-1] not in NOT_AT_END, line


def test_chinese_lines_are_full_to_within_one_ideograph() -> None:
    text = (Path(__file__).parent / "data/udhr-zho.txt").read_text(encoding="utf-8")
    theta = Theta(page_size=(300, 800), margin_x=0, language="zh-Hans")
    for page in layout(text, theta):
        for line in page.lines:
            if not line.text.endswith("\n"):
                # The next line may begin with one ideograph and two marks that may not begin it.
                assert 300 - 3 * 9 < line.box[2] - line.box[0] <= 300.001, line


def test_a_long_token_begins_its_own_line() -> None:
    lines = set_lines("aa bb " + "x" * 25 + " cc")
    assert lines == ["aa bb ", "x" * 10, "x" * 10, "xxxxx cc"]


def test_a_long_token_is_cut_between_clusters_only() -> None:
    lines = set_lines("e\u0301" * 23)
    assert lines == ["e\u0301" * 10, "e\u0301" * 10, "e\u0301" * 3]


def test_a_long_token_is_cut_at_its_own_opportunities_first() -> None:
    assert set_lines("aaaaa-bbbbbb-cc") == ["aaaaa-", "bbbbbb-cc"]


def test_a_ligature_is_not_cut() -> None:
    assert [line.count("fi") for line in set_lines("x" + "fi" * 11)] == [4, 5, 2]
    lines = set_lines("xfi" + "x" * 6 + "fi" + "x" * 9)
    assert all("fi" in line or "f" not in line + "i" for line in lines)
    assert "".join(lines) == "xfi" + "x" * 6 + "fi" + "x" * 9


def test_a_cluster_wider_than_the_line_is_condensed_to_it() -> None:
    theta = BOX.replace(page_size=(10, 100), font_size=10, line_height=12)
    page = next(iter(layout("\U00012000 \ufdfd", theta)))
    for line in page.lines:
        assert line.box[2] - line.box[0] <= 10.001
    for word in page.words:
        assert 0 <= word.box[0] <= word.box[2] <= 10.001


def test_spaces_at_the_end_of_a_line_hang() -> None:
    assert set_lines("aaaaaaaaaa          bb") == ["aaaaaaaaaa          ", "bb"]
    assert set_lines("aaaaaaaaa b") == ["aaaaaaaaa ", "b"]


def test_no_break_spaces_are_not_broken() -> None:
    assert set_lines("aaa bb\u00a0bb\u00a0bb cc") == ["aaa ", "bb\u00a0bb\u00a0bb ", "cc"]


def test_a_soft_hyphen_shows_only_where_the_line_ends() -> None:
    page = next(iter(layout("abcdefgh\u00adijklmn", BOX)))
    first, second = page.lines
    assert (first.text, second.text) == ("abcdefgh\u00ad", "ijklmn")
    assert first.box[2] == pytest.approx(8 * 6 + 5, abs=0.01)  # the hyphen is 5 pt wide
    page = next(iter(layout("abc\u00addef", BOX)))
    assert page.lines[0].box[2] == pytest.approx(6 * 6, abs=0.01)


def test_a_soft_hyphen_that_does_not_fit_is_no_opportunity() -> None:
    assert set_lines("aa bbbbbb\u00adccccc") == ["aa bbbbbb\u00ad", "ccccc"]  # 12 + 5 + 36 + 5 pt
    assert set_lines("aa bbbbbbb\u00adcccc") == ["aa ", "bbbbbbb\u00ad", "cccc"]  # 64 pt in one line


def test_words_are_hyphenated_where_the_patterns_of_the_language_say() -> None:
    pyphen = pytest.importorskip("pyphen")
    text = (Path(__file__).parent / "data/udhr-eng.txt").read_text(encoding="utf-8")
    patterns = pyphen.Pyphen(lang="en_US")
    theta = Theta(page_size=(110, 800), hyphenate=True, language="en-US")
    hyphenated = 0
    lines = set_lines(text, theta)
    for line, following in zip(lines[:-1], lines[1:], strict=True):
        if line[-1].isalpha() and following[:1].isalpha():
            word = line.split()[-1].split("-")[-1] + following.split()[0]
            letters = "".join(character for character in word if character.isalpha())
            assert len(line.split()[-1].split("-")[-1]) in patterns.positions(letters), word
            hyphenated += 1
    assert hyphenated > 10
    assert len(lines) < len(set_lines(text, theta.replace(hyphenate=False)))


def test_thai_breaks_between_clusters_only_where_a_line_is_full() -> None:
    text = (Path(__file__).parent / "data/udhr-tha.txt").read_text(encoding="utf-8")
    starts = np.append(grapheme.cluster_starts(codepoints(text)), True)
    for page in layout(text, Theta(page_size=(120, 800))):
        for line in page.lines:
            assert starts[line.start]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.sampled_from("  .+")), min_size=1, max_size=12),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from((0, 10**9)),
)
def test_lines_broken_together_are_those_broken_one_by_one(
    paragraphs: list[list[tuple[int, int, str]]], first: int, rest: int, search: int
) -> None:
    """Both ways are tested: a search for the next line of all paragraphs, and a search over all opportunities.

    A segment is (width, gap after it, what may happen after it): " " is a break, "+" a break that is used only if the
    line has no other, "." no break.
    """
    segments = [segment for paragraph in paragraphs for segment in paragraph]
    stops = np.cumsum([len(paragraph) for paragraph in paragraphs])
    start = np.append(0, np.cumsum([width + gap for width, gap, _ in segments]))
    end = start[:-1] + [width for width, _, _ in segments]
    place = np.array([k for k, (_, _, kind) in enumerate(segments) if kind != "."], np.intp)
    rests = rest + np.arange(len(paragraphs)) % 3  # paragraphs may have indents of their own
    expected = []
    for begin, stop, other in zip(stops - [len(paragraph) for paragraph in paragraphs], stops, rests, strict=True):
        line, width = int(begin), first
        while end[stop - 1] - start[line] > width:
            inside = [k for k in place.tolist() if line <= k < stop - 1]
            fitting = [k for k in inside if end[k] - start[line] <= width]
            spaces = [k for k in fitting if segments[k][2] == " "]
            if not inside:
                break
            line, width = 1 + (spaces or fitting or inside[:1])[-1], int(other)
            expected.append(line - 1)

    def reach(begin: Any, width: Any, stop: Any) -> tuple[Any, Any]:
        target = start[begin] + width
        return np.searchsorted(end[place], target, "right"), end[stop - 1] <= target

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy, "_SEARCH", search)
        cuts = greedy.greedy_cuts(
            reach,
            place,
            regular=np.array([segments[k][2] == " " for k in place], bool),
            begins=stops - [len(paragraph) for paragraph in paragraphs],
            stops=stops,
            first=np.full(len(paragraphs), first, np.int64),
            rest=rests,
            lines=int(end[-1]) // rest,
        )
    assert sorted(cuts.tolist()) == expected
