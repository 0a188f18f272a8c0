"""The Unicode properties that layout needs, found by one lookup per character.

Code points with equal properties share a record: 1,114,112 code points have 1,172 records. A text is looked up
once, as an array of record numbers. Each property is then a small array indexed by record.

The file beside this module holds the usual two-stage table. It is unfolded on first use: one `take` from the
unfolded 2.2 MB, of which a text touches a few pages, costs 1 ns a character; the two-stage form costs 2 to 6.

Nothing here knows an algorithm. Where a rule of UAX #14 or #29 depends on a second property (quotation marks
by general category, pictographs by assignment, Indic consonants), the table already splits the class, so that
the algorithms compare one number.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from functools import cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

UNICODE_VERSION: Final = "17.0.0"

TABLE_PATH: Final = os.path.join(os.path.dirname(__file__), "unicode_properties.bin")
BLOCK: Final = 128
"""Code points per block of the second stage. The file would be 9% larger with 64, and 4% smaller with 256."""


class LineBreak(IntEnum):
    """Values of Line_Break after LB1 (which resolves AI, CJ, SA, SG and XX), with five classes split off."""

    AL, BK, CR, LF, NL, SP, ZW, ZWJ, CM, WJ, GL, CL, CP, EX, SY, OP = range(16)
    QU, IS, NS, B2, CB, HY, HH, BA, BB, HL, IN, NU, PR, PO, ID, EB = range(16, 32)
    EM, JL, JV, JT, H2, H3, AP, AK, AS, VF, VI, RI = range(32, 44)
    QI = 44  # QU with gc=Pi: LB15a, LB19
    QF = 45  # QU with gc=Pf: LB15b, LB19
    DC = 46  # AL that is U+25CC DOTTED CIRCLE, which LB28a treats as a base
    XP = 47  # ID that is an unassigned Extended_Pictographic: LB30b
    XA = 48  # AL that is an unassigned Extended_Pictographic: LB30b


EAST_ASIAN: Final = 64
"""Bit of the `line_break` column that is set where East_Asian_Width is F, W or H, for LB19a and LB30."""


class GraphemeBreak(IntEnum):
    """Values of Grapheme_Cluster_Break, split by Indic_Conjunct_Break (InCB) and Extended_Pictographic."""

    OTHER, CR, LF, CONTROL, PREPEND, SPACING_MARK, REGIONAL, L, V, T, LV, LVT, ZWJ = range(13)
    EXTEND = 13  # InCB=Extend
    EXTEND_ONLY = 14  # InCB=None: U+200C
    EXTEND_LINKER = 15  # InCB=Linker
    OTHER_LINKER = 16  # GCB=Other, InCB=Linker
    CONSONANT = 17  # GCB=Other, InCB=Consonant
    PICTOGRAPHIC = 18  # GCB=Other, Extended_Pictographic


class WordBreak(IntEnum):
    """Values of Word_Break."""

    OTHER, CR, LF, NEWLINE, EXTEND, ZWJ, FORMAT, KATAKANA, HEBREW_LETTER, A_LETTER = range(10)
    SINGLE_QUOTE, DOUBLE_QUOTE, MID_NUM_LET, MID_LETTER, MID_NUM, NUMERIC, EXTEND_NUM_LET = range(10, 17)
    REGIONAL, SPACE = range(17, 19)  # SPACE is WSegSpace


class BidiClass(IntEnum):
    """Values of Bidi_Class. Explicit formatting characters are LRE and above; isolates are LRI and above."""

    L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = range(14)
    LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = range(14, 23)


class GeneralCategory(IntEnum):
    """Values of General_Category."""

    Cn, Cc, Cf, Co, Cs, Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No = range(16)
    Pc, Pd, Ps, Pe, Pi, Pf, Po, Sm, Sc, Sk, So, Zs, Zl, Zp = range(16, 30)


class Flag(IntFlag):
    """Properties that are true or false, one bit each."""

    WIDE = 1  # East_Asian_Width F or W
    DEFAULT_IGNORABLE = 2
    EXTENDED_PICTOGRAPHIC = 4
    EMOJI_PRESENTATION = 8
    MIRRORED = 16  # Bidi_Mirrored
    BRACKET_OPEN = 32  # Bidi_Paired_Bracket_Type o
    BRACKET_CLOSE = 64  # Bidi_Paired_Bracket_Type c
    COMPLEX = 128  # Line_Break SA, which LB1 makes AL or CM


# ISO 15924 tags. The three values that name no script (Common, Inherited, Unknown) come first. The scripts follow,
# those with most characters first, so that the lowest number in a set of script extensions is the likeliest:
# Hani for "。", Arab for U+060C, Deva for danda.
_TAGS: Final = """
    Zyyy Zinh Zzzz Hani Hang Tang Egyp Latn Arab Xsux Yiii Cans Sgnw Bamu Hluw Ethi Grek Cyrl Kits Nshu
    Hira Lina Kana Vaii Brai Mymr Mend Linb Tibt Geor Cher Mong Deva Plrd Khmr Dupl Copt Glag Hebr Bali
    Hmng Lana Taml Mlym Brah Sinh Hung Shrd Telu Cpmn Bhks Newa Armn Beng Knda Sidd Gujr Medf Orya Java
    Merc Tnsa Adlm Syrc Kawi Runr Thai Gran Wara Cham Laoo Soyo Talu Saur Tirh Dsrt Guru Tutg Modi Mtei
    Bopo Gonm Lepc Orkh Diak Osge Sund Tavt Zanb Cakm Hmnp Vith Gara Sind Khar Kthi Limb Marc Takr Ahom
    Khoj Nand Gong Nkoo Avst Samr Dogr Tfng Wcho Gukh Krai Pauc Batk Phag Cprt Tayo Tols Aghb Todr Mani
    Berf Rohg Thaa Xpeo Cari Lisu Olck Shaw Kali Yezi Sylo Onao Sunu Mroo Perm Nagm Sogd Elba Nbat Osma
    Sogo Ital Mahj Mult Rjng Bass Sora Tale Mero Narb Palm Sarb Armi Toto Ugar Bugi Prti Lyci Mand Ogam
    Phlp Phnx Chrs Goth Lydi Phli Hatr Ougr Sidt Maka Elym Tglg Hano Buhd Tagb
"""
SCRIPT_TAGS: Final[tuple[str, ...]] = tuple(_TAGS.split())


BRACKET: Final = (Flag.BRACKET_OPEN | Flag.BRACKET_CLOSE).value

MAX_OPEN_BRACKETS: Final = 63
"""Brackets that may be open at once while pairs are matched (UAX #9 BD16)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PropertyTable:
    """The property table: `record` by code point, columns indexed by record, and lists of rare properties."""

    record: NDArray[np.uint16]  # [0x110000] by code point
    line_break: NDArray[np.uint8]  # LineBreak, with the bit EAST_ASIAN
    grapheme_break: NDArray[np.uint8]  # GraphemeBreak
    word_break: NDArray[np.uint8]  # WordBreak
    bidi_class: NDArray[np.uint8]  # BidiClass
    general_category: NDArray[np.uint8]  # GeneralCategory
    script: NDArray[np.uint8]  # index into SCRIPT_TAGS
    script_set: NDArray[np.uint8]  # row of script_sets; 0 where Script_Extensions is {Script}
    flags: NDArray[np.uint8]  # Flag
    script_sets: NDArray[np.bool_]  # [sets, scripts]; row 0 is empty
    mirrors: NDArray[np.uint32]  # [n, 2] code point and its Bidi_Mirroring_Glyph, ascending
    brackets: NDArray[np.uint32]  # [n, 2] code point and the opening bracket of its pair; see brackets()


STORED: Final = ("stages", "blocks", *(field.name for field in fields(PropertyTable)[1:]))
"""Names of the arrays in the table file, in the order of the file. The first two unfold to `record`."""


@cache
def table() -> PropertyTable:
    """Return the table of Unicode 17.0. The first call reads it from the file beside this module, in about 2 ms."""
    with open(TABLE_PATH, "rb") as file:
        stream = BytesIO(zlib.decompress(file.read()))
    stored: dict[str, NDArray[Any]] = {name: np.load(stream, allow_pickle=False) for name in STORED}
    record = stored.pop("blocks")[stored.pop("stages")].reshape(-1)
    return PropertyTable(record=record, **stored)


def codepoints(text: str) -> NDArray[np.uint32]:
    """Return the code points of `text`, one per character. A lone surrogate is a code point like any other.

    >>> codepoints("aé🙂").tolist()
    [97, 233, 128578]
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.uint32)
    return np.array([text]).view(np.uint32)  # str.encode takes 600 ns for each lone surrogate, this 0.3 ns


def as_text(cps: NDArray[np.uint32]) -> str:
    """Return the text of which `cps` are the code points.

    >>> as_text(codepoints("aé🙂"))
    'aé🙂'
    """
    count = len(cps)
    # An element of such an array ends before its trailing NULs.
    return str(np.ascontiguousarray(cps).view(f"U{count}")[0]).ljust(count, "\0") if count else ""


def records(cps: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """Return the record number of each code point: the index into every column of `table()`.

    >>> cps = codepoints("a1 ")
    >>> [GeneralCategory(value).name for value in table().general_category[records(cps)].tolist()]
    ['Ll', 'Nd', 'Zs']
    """
    return table().record.take(cps)


@cache
def brackets() -> dict[int, tuple[int, bool]]:
    """Return a mapping: bracket → (opening bracket of its pair, whether this bracket opens), all code points (BD16).

    U+2329 and U+232A are canonically equivalent to U+3008 and U+3009, so they count as the same pair.

    >>> brackets()[ord("]")] == (ord("["), False)
    True
    """
    opens = (table().flags[records(table().brackets[:, 0])] & Flag.BRACKET_OPEN.value) != 0
    return {
        bracket: (opening, is_open)
        for (bracket, opening), is_open in zip(table().brackets.tolist(), opens.tolist(), strict=True)
    }
