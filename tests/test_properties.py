from __future__ import annotations

import sys
import unicodedata
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_data import PARTS, WHOLE, extents, property_ranges

from glyphrender._system.ordering import kinds, stable_order
from glyphrender.text.properties import (
    EAST_ASIAN,
    SCRIPT_TAGS,
    TABLE_PATH,
    Flag,
    GeneralCategory,
    LineBreak,
    as_text,
    brackets,
    codepoints,
    records,
    table,
)
from glyphrender.text.runs import are_in, set_of

EVERY = np.arange(sys.maxunicode + 1, dtype=np.uint32)


def values(name: str, default: str) -> list[str]:
    """Return the value of a property for every code point, as the file says."""
    result = [default] * len(EVERY)
    for code_points, (value, *_) in property_ranges(WHOLE, name):
        result[code_points.start : code_points.stop] = [value] * len(code_points)
    return result


def with_flag(flag: int) -> set[int]:
    """Return the code points that have the flag, or one of several flags."""
    return set(np.flatnonzero(table().flags[records(EVERY)] & flag).tolist())


def test_general_category_is_that_of_the_database() -> None:
    expected = values("DerivedGeneralCategory.txt", "Cn")
    assert [GeneralCategory[value] for value in expected] == table().general_category[records(EVERY)].tolist()


@pytest.mark.slow
def test_line_break_is_that_of_the_database_after_lb1() -> None:
    expected = values("LineBreak.txt", "XX")
    category = values("DerivedGeneralCategory.txt", "Cn")
    resolved = {"AI": "AL", "SG": "AL", "XX": "AL", "CJ": "NS"}
    split = {"QI": "QU", "QF": "QU", "DC": "AL", "XP": "ID", "XA": "AL"}
    names = [""] * 64
    for member in LineBreak:
        names[member] = member.name
    got = (table().line_break[records(EVERY)] & 63).tolist()
    for cp, (own, number) in enumerate(zip(expected, got, strict=True)):
        if own == "SA":
            own = "CM" if category[cp] in ("Mn", "Mc") else "AL"
        name = names[number]
        assert split.get(name, name) == resolved.get(own, own), f"U+{cp:04X}"
        assert (name == "QI") == (own == "QU" and category[cp] == "Pi")
        assert (name == "QF") == (own == "QU" and category[cp] == "Pf")


def test_east_asian_width_is_that_of_the_database() -> None:
    expected = values("EastAsianWidth.txt", "N")
    east_asian = (table().line_break[records(EVERY)] & EAST_ASIAN) != 0
    assert east_asian.tolist() == [value in ("F", "W", "H") for value in expected]
    assert with_flag(Flag.WIDE) == {cp for cp, value in enumerate(expected) if value in ("F", "W")}


@pytest.mark.parametrize(
    "name, flag",
    [
        ("Extended_Pictographic", Flag.EXTENDED_PICTOGRAPHIC),
        ("Emoji_Presentation", Flag.EMOJI_PRESENTATION),
    ],
)
def test_emoji_properties_are_those_of_the_database(name: str, flag: Flag) -> None:
    ranges = [ids for ids, (value,) in property_ranges(WHOLE, "emoji-data.txt") if value == name]
    assert with_flag(flag) == set(chain.from_iterable(ranges))


@extents
def test_brackets_are_those_of_the_database(folder: Path) -> None:
    """BidiBrackets.txt has not changed since Unicode 15."""
    expected = {}
    for code_points, (partner, type_) in property_ranges(folder, "BidiBrackets.txt"):
        opening = code_points[0] if type_ == "o" else int(partner, 16)
        expected[code_points[0]] = ord(unicodedata.normalize("NFD", chr(opening))), type_ == "o"
    assert brackets() == expected
    assert with_flag(Flag.BRACKET_OPEN | Flag.BRACKET_CLOSE) == set(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, column, numbers",
    [
        ("sc", "script", dict(zip(SCRIPT_TAGS, range(len(SCRIPT_TAGS)), strict=True))),
        ("DI", "flags", {"Yes": Flag.DEFAULT_IGNORABLE}),
        ("Bidi_M", "flags", {"Yes": Flag.MIRRORED}),
        ("lb", "flags", {"SA": Flag.COMPLEX}),
    ],
)
def test_agrees_with_another_copy_of_the_database(name: str, column: str, numbers: dict[str, int]) -> None:
    regex = pytest.importorskip("regex")
    if regex.__version__ != "2025.11.3":
        pytest.skip("regex 2025.11.3 has Unicode 17.0")
    got = getattr(table(), column)[records(EVERY)]
    text = "".join(map(chr, EVERY.tolist()))
    for value, number in numbers.items():
        expected = [match.start() for match in regex.finditer(rf"\p{{{name}={value}}}", text)]
        found = got & number != 0 if column == "flags" else got == number
        assert np.flatnonzero(found).tolist() == expected, value


def test_assigned_characters_of_python_keep_their_category() -> None:
    """The database of Python is older. Characters that it knows are unchanged since, except for corrections."""
    got = table().general_category[records(EVERY)].tolist()
    names = {member.value: member.name for member in GeneralCategory}
    differing = [
        cp for cp, number in enumerate(got) if (own := unicodedata.category(chr(cp))) != "Cn" and own != names[number]
    ]
    assert len(differing) < 40


def test_the_table_is_small_and_its_columns_of_one_length() -> None:
    assert Path(TABLE_PATH).stat().st_size < 16_384
    columns = (
        "line_break",
        "grapheme_break",
        "bidi_class",
        "general_category",
        "script",
        "script_set",
        "flags",
    )
    assert {len(getattr(table(), name)) for name in columns} == {int(table().record.max()) + 1}
    assert table().script_sets.shape == (int(table().script_set.max()) + 1, len(SCRIPT_TAGS))


@given(st.text(st.characters(codec=None), max_size=30))
def test_code_points_are_those_of_the_text(text: str) -> None:
    cps = codepoints(text)
    assert cps.dtype == np.uint32
    assert cps.tolist() == list(map(ord, text))


def test_a_lone_surrogate_passes() -> None:
    assert codepoints("a\ud800b").tolist() == [0x61, 0xD800, 0x62]
    assert table().general_category[records(codepoints("\udfff"))].tolist() == [GeneralCategory.Cs]


def test_parts_of_the_database_are_small() -> None:
    assert all(path.stat().st_size <= 150_000 for path in PARTS.iterdir())


@given(st.text(st.characters(exclude_categories=())))
def test_code_points_and_text_are_converted_without_loss(text: str) -> None:
    for whole in (text, text + "\0\ud800\0\0"):
        assert codepoints(whole).tolist() == [ord(character) for character in whole]
        assert as_text(codepoints(whole)) == whole


@given(st.lists(st.integers(0, 9) | st.integers(0, 2**62)), st.sets(st.integers(0, 12)))
def test_orders_kinds_and_sets_are_those_of_numpy(values: list[int], members: set[int]) -> None:
    keys = np.array(values, np.int64)
    assert stable_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()
    distinct, first, number = kinds(keys)
    assert [distinct.tolist(), first.tolist()] == [each.tolist() for each in np.unique(keys, return_index=True)]
    assert distinct[number].tolist() == values
    assert are_in(keys, set_of(members)).tolist() == [value in members for value in values]
