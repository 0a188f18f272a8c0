"""The Unicode properties that layout needs, by one lookup a character.

Code points with equal properties share a record (1,150 records for 1,114,112 code points), so a text
is looked up once, as an array of record numbers, and each property is then a small table indexed by record.
The file beside this module holds the usual two-stage table; it is unfolded when first used, because one
`take` from 2.2 MB of which a text touches a few pages costs 1 ns a character and the two-stage form 2 to 6.

Nothing here knows an algorithm. Where a rule of UAX #14 or #29 depends on a second property (quotation marks
by general category, pictographs by assignment, Indic consonants), the class is already split accordingly, so
that the algorithms compare one number.
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
"""Code points in a block of the second stage; the file would be 9 % larger with 64, 4 % smaller with 256."""


class LineBreak(IntEnum):
    """Line_Break, after LB1 has resolved AI, CJ, SA, SG and XX, with five classes split off."""

    AL, BK, CR, LF, NL, SP, ZW, ZWJ, CM, WJ, GL, CL, CP, EX, SY, OP = range(16)
    QU, IS, NS, B2, CB, HY, HH, BA, BB, HL, IN, NU, PR, PO, ID, EB = range(16, 32)
    EM, JL, JV, JT, H2, H3, AP, AK, AS, VF, VI, RI = range(32, 44)
    QI = 44  # QU with gc=Pi: LB15a, LB19
    QF = 45  # QU with gc=Pf: LB15b, LB19
    DC = 46  # U+25CC DOTTED CIRCLE, an AL that LB28a treats as a base
    XP = 47  # ID that is an unassigned Extended_Pictographic: LB30b
    XA = 48  # AL that is one


EAST_ASIAN: Final = 64
"""Bit set in the `line_break` column where East_Asian_Width is F, W or H, for LB19a and LB30."""


class GraphemeBreak(IntEnum):
    """Grapheme_Cluster_Break, split by Indic_Conjunct_Break and Extended_Pictographic."""

    OTHER, CR, LF, CONTROL, PREPEND, SPACING_MARK, REGIONAL, L, V, T, LV, LVT, ZWJ = range(13)
    EXTEND = 13  # InCB=Extend too
    EXTEND_ONLY = 14  # InCB=None: U+200C
    EXTEND_LINKER = 15  # InCB=Linker
    OTHER_LINKER = 16  # GCB=Other, InCB=Linker
    CONSONANT = 17  # GCB=Other, InCB=Consonant
    PICTOGRAPHIC = 18  # GCB=Other, Extended_Pictographic


class BidiClass(IntEnum):
    """Bidi_Class; the explicit formatting characters are LRE and above, isolates LRI and above."""

    L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = range(14)
    LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = range(14, 23)


class GeneralCategory(IntEnum):
    """General_Category."""

    Cn, Cc, Cf, Co, Cs, Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No = range(16)
    Pc, Pd, Ps, Pe, Pi, Pf, Po, Sm, Sc, Sk, So, Zs, Zl, Zp = range(16, 30)


class Flag(IntFlag):
    """Properties that are true or false."""

    WIDE = 1  # East_Asian_Width F or W
    DEFAULT_IGNORABLE = 2
    EXTENDED_PICTOGRAPHIC = 4
    EMOJI_PRESENTATION = 8
    MIRRORED = 16  # Bidi_Mirrored
    BRACKET_OPEN = 32  # Bidi_Paired_Bracket_Type o
    BRACKET_CLOSE = 64  # Bidi_Paired_Bracket_Type c
    COMPLEX = 128  # Line_Break SA, which LB1 makes AL or CM


# ISO 15924. The three that are no script come first, then most characters first, so that the lowest number
# in a set of script extensions is the likeliest: Hani for "。", Arab for U+060C, Deva for danda.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The columns, as arrays indexed by record, and what is too sparse to be a column."""

    record: NDArray[np.uint16]  # [0x110000], by code point
    line_break: NDArray[np.uint8]  # LineBreak, with EAST_ASIAN
    grapheme_break: NDArray[np.uint8]  # GraphemeBreak
    bidi_class: NDArray[np.uint8]  # BidiClass
    general_category: NDArray[np.uint8]  # GeneralCategory
    script: NDArray[np.uint8]  # index into SCRIPT_TAGS
    script_set: NDArray[np.uint8]  # row of script_sets; 0 where Script_Extensions is {Script}
    flags: NDArray[np.uint8]  # Flag
    script_sets: NDArray[np.bool_]  # [sets, scripts]; row 0 is empty
    mirrors: NDArray[np.uint32]  # [n, 2] code point, Bidi_Mirroring_Glyph; ascending
    brackets: NDArray[np.uint32]  # [n, 2] code point, opening bracket of its pair, see brackets()


STORED: Final = ("stages", "blocks", *(field.name for field in fields(Table)[1:]))
"""The arrays of the table file, in its order; the first two unfold to `record`."""


@cache
def table() -> Table:
    """The table of Unicode 17.0, read from the file beside this module in about 2 ms, once."""
    with open(TABLE_PATH, "rb") as file:
        stream = BytesIO(zlib.decompress(file.read()))
    stored: dict[str, NDArray[Any]] = {name: np.load(stream, allow_pickle=False) for name in STORED}
    record = stored.pop("blocks")[stored.pop("stages")].reshape(-1)
    return Table(record=record, **stored)


def codepoints(text: str) -> NDArray[np.uint32]:
    """The code points of `text`, one a character; a lone surrogate is a code point like any other."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.uint32)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)


def records(cps: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The record of each code point, the index into every column of `table()`."""
    return table().record.take(cps)


@cache
def brackets() -> dict[int, tuple[int, bool]]:
    """The opening bracket of the pair that each bracket is of (BD16), and whether it opens; by code point.

    U+2329 and U+232A are canonically equivalent to U+3008 and U+3009 and stand for the same pair.
    """
    opens = (table().flags[records(table().brackets[:, 0])] & Flag.BRACKET_OPEN.value) != 0
    return {
        bracket: (opening, is_open)
        for (bracket, opening), is_open in zip(table().brackets.tolist(), opens.tolist(), strict=True)
    }
