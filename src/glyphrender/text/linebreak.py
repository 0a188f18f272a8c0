"""Line break opportunities: UAX #14 of Unicode 17.0, over a text of many paragraphs at once.

The rules stand below as the standard writes them. Most look at the class before a break and the class after,
so they are compiled to one table of 128 × 128 pairs that gives the first rule that applies; a rule that looks
further is asked only where its pair occurs, and where it does not hold the next rule for that pair decides.
English costs about 15 ns a character, Chinese and Japanese 6.

No tailoring: Chinese and Japanese get the strict reading (CJ is NS), South East Asian scripts that need a
dictionary (SA) break only where spaces or ZWSP are; complexbreak.py adds the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import EAST_ASIAN, LineBreak, records, table
from glyphrender.text.runs import runs

PROHIBITED: Final = 0
ALLOWED: Final = 1
MANDATORY: Final = 2

# Classes that exist only while a text is analysed. LB8 and LB14 to LB17 look back over spaces, so a run of
# spaces is given a class for what stands before it. END stands for the start and the end of the text.
SP_ZW, SP_OP, SP_QI, SP_CL, SP_B2, END = range(58, 64)

# A name is the class itself but for AL and ID, which include what was split from them, and these. A minus
# keeps the characters that are not East Asian wide; NEA are all of those.
GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "AL": (LineBreak.AL, LineBreak.DC, LineBreak.XA),
    "ID": (LineBreak.ID, LineBreak.XP),
    "Q": (LineBreak.QU, LineBreak.QI, LineBreak.QF),
    "SP": (LineBreak.SP, SP_ZW, SP_OP, SP_QI, SP_CL, SP_B2),
    "NEA": tuple(range(64)),
    "SP_ZW": (SP_ZW,),
    "SP_OP": (SP_OP,),
    "SP_QI": (SP_QI,),
    "SP_CL": (SP_CL,),
    "SP_B2": (SP_B2,),
    "END": (END,),
}

# × no break, ÷ a break may come, ! a break must come. Nothing on one side is anything; [^…] is anything but.
# LB1 is in the property table, LB2 and LB3 are the ends of the text, LB8a, LB9 and LB10 are in break_actions.
RULES: Final = """
    LB4   BK !
    LB5   CR × LF
    LB5   CR LF NL !
    LB6   × BK CR LF NL
    LB7   × SP ZW
    LB8   ZW SP_ZW ÷
    LB11  × WJ
    LB11  WJ ×
    LB12  GL ×
    LB12a [^SP BA HY HH] × GL
    LB13  × CL CP EX SY
    LB14  OP SP_OP ×
    LB15a QI ×                          if quote_opens
    LB15a SP_QI ×
    LB15b × QF                          if quote_closes
    LB15c SP ÷ IS                       if number_follows
    LB15d × IS
    LB16  CL CP SP_CL × NS
    LB17  B2 SP_B2 × B2
    LB18  SP ÷
    LB19  × QU QF
    LB19  QU QI ×
    LB19a NEA × Q
    LB19a × Q                           if narrow_follows
    LB19a Q × NEA
    LB19a Q ×                           if narrow_precedes
    LB20  ÷ CB
    LB20  CB ÷
    LB20a HY HH × AL HL                 if hyphen_starts_word
    LB21  × BA HH HY NS
    LB21  BB ×
    LB21a HY HH × [^HL]                 if hebrew_precedes
    LB21b SY × HL
    LB22  × IN
    LB23  AL HL × NU
    LB23  NU × AL HL
    LB23a PR × ID EB EM
    LB23a ID EB EM × PO
    LB24  PR PO × AL HL
    LB24  AL HL × PR PO
    LB25  NU × PO PR NU
    LB25  SY IS × PO PR NU              if number_ends
    LB25  CL CP × PO PR                 if number_closes
    LB25  PO PR × OP                    if number_opens
    LB25  PO PR HY IS × NU
    LB26  JL × JL JV H2 H3
    LB26  JV H2 × JV JT
    LB26  JT H3 × JT
    LB27  JL JV JT H2 H3 × PO
    LB27  PR × JL JV JT H2 H3
    LB28  AL HL × AL HL
    LB28a AP × AK DC AS
    LB28a AK DC AS × VF VI
    LB28a VI × AK DC                    if aksara_precedes
    LB28a AK DC AS × AK DC AS           if final_virama_follows
    LB29  IS × AL HL
    LB30  AL HL NU × OP-
    LB30  CP- × AL HL NU
    LB30a RI × RI                       if flag_is_half
    LB30b EB × EM
    LB30b XP XA × EM
    LB31  ÷
"""

Classes: TypeAlias = NDArray[np.uint8]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]


def break_actions(cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """What may happen after each character: PROHIBITED, ALLOWED or MANDATORY; the last is MANDATORY.

    Paragraphs need not be separated: what follows a mandatory break does not depend on what precedes it.
    """
    if not len(cps):
        return np.zeros(0, np.uint8)
    classes = table().line_break.take(records(cps))
    actions = np.full(len(cps), PROHIBITED, np.uint8)
    marks = MARK.take(classes)
    if marks.any():
        # LB9: marks and ZWJ take the class of what they follow, and nothing breaks before them. LB10: where
        # they follow a break or a space, the first of them is AL.
        absorbed = marks.copy()
        absorbed[0] = False
        absorbed[1:] &= ~NO_BASE.take(classes[:-1])
        kept = np.flatnonzero(~absorbed)
        bases = classes[kept]
        bases[marks[kept]] = LineBreak.AL
        ends = kept[1:] - 1
        deciding = _deciding_rules(bases)
        actions[ends] = compiled().action.take(deciding)
        # LB8a: no break after ZWJ, unless an earlier rule has decided.
        joined = (classes[ends] == LineBreak.ZWJ) & (deciding >= compiled().names.index("LB11"))
        actions[ends[joined]] = PROHIBITED
    else:
        actions[:-1] = compiled().action.take(_deciding_rules(classes))
    actions[-1] = MANDATORY
    return actions


def _deciding_rules(classes: Classes) -> NDArray[np.uint8]:
    """The number of the rule that decides between each character and the next, [n - 1]."""
    rules = compiled()
    # One END before and three behind: no rule looks further than that from a break.
    c = np.full(len(classes) + 4, END, np.uint8)
    c[1:-3] = classes
    _class_spaces(c)
    pairs = c[1:-4].astype(np.uint16)
    pairs <<= 7
    pairs |= c[2:-3]
    first = rules.first.take(pairs)
    open_ = np.flatnonzero(rules.conditional.take(first))
    deciding = first[open_]
    for number, (holds, otherwise) in rules.conditions.items():
        asked = np.flatnonzero(deciding == number)
        if len(asked):
            failed = asked[~holds(c, open_[asked] + 1)]
            deciding[failed] = otherwise[pairs[open_[failed]]]
    first[open_] = deciding
    return first


def _class_spaces(c: Classes) -> None:
    """Give runs of spaces the class for what stands before them, in place."""
    space = c == LineBreak.SP
    if not space.any():
        return
    spaces, before, _ = runs(space)
    variant = SPACE_AFTER[c[before]]
    quoted = np.flatnonzero(variant == SP_QI)
    variant[quoted[~quote_opens(c, before[quoted])]] = LineBreak.SP
    changed = np.flatnonzero(variant != LineBreak.SP)
    c[spaces[changed]] = variant[changed]


def classes(names: str) -> Mask:
    """The set of classes named as in RULES, as a mask of the 128 codes, wide ones from 64."""
    if names.startswith("[^"):
        return ~classes(names[2:-1])
    members = np.full(128, not names)
    for name in names.split():
        plain = name.removesuffix("-")
        narrow = list(GROUPS[plain] if plain in GROUPS else (LineBreak[plain],))
        members[narrow] = True
        if plain == name != "NEA":
            members[np.array(narrow) | EAST_ASIAN] = True
    return members


MARK: Final = classes("CM ZWJ")
NO_BASE: Final = classes("BK CR LF NL SP ZW")
OPENING_LEFT: Final = classes("END BK CR LF NL OP Q GL SP ZW")
CLOSING_RIGHT: Final = classes("END SP GL WJ CL Q CP EX IS SY BK CR LF NL ZW")
WORD_LEFT: Final = classes("END BK CR LF NL SP ZW CB GL")
NARROW: Final = classes("NEA")
NUMBER: Final = classes("NU")
POINT: Final = classes("IS")
INFIX: Final = classes("SY IS")
HEBREW: Final = classes("HL")
AKSARA: Final = classes("AK DC AS")
FINAL_VIRAMA: Final = classes("VF")
REGIONAL: Final = classes("RI")

SPACE_AFTER: Final = np.full(128, LineBreak.SP, np.uint8)
for _names, _variant in (("ZW", SP_ZW), ("OP", SP_OP), ("QI", SP_QI), ("CL CP", SP_CL), ("B2", SP_B2)):
    SPACE_AFTER[classes(_names)] = _variant


# The conditions of rules: `c` are the classes of the text between ENDs, `at` where the character before the
# break is. c[at] and c[at + 1] are therefore what the rule itself names.


def quote_opens(c: Classes, at: Indices) -> Mask:
    """An initial quotation mark stands where a quotation can begin."""
    return OPENING_LEFT[c[at - 1]]


def quote_closes(c: Classes, at: Indices) -> Mask:
    """A final quotation mark stands where a quotation can end."""
    return CLOSING_RIGHT[c[at + 2]]


def number_follows(c: Classes, at: Indices) -> Mask:
    """A digit comes after ".5"'s point."""
    return NUMBER[c[at + 2]]


def narrow_follows(c: Classes, at: Indices) -> Mask:
    """The quotation mark is followed by the end, or by what is not East Asian."""
    return NARROW[c[at + 2]]


def narrow_precedes(c: Classes, at: Indices) -> Mask:
    """The quotation mark is preceded by the start, or by what is not East Asian."""
    return NARROW[c[at - 1]]


def hyphen_starts_word(c: Classes, at: Indices) -> Mask:
    """The hyphen is not inside a word, as in "-ing"."""
    return WORD_LEFT[c[at - 1]]


def hebrew_precedes(c: Classes, at: Indices) -> Mask:
    """The hyphen joins a Hebrew prefix."""
    return HEBREW[c[at - 1]]


def number_ends(c: Classes, at: Indices) -> Mask:
    """The character ends "NU (SY | IS)*"."""
    origin = at.copy()
    inside = np.flatnonzero(INFIX[c[at]])
    infixes, before, _ = runs(INFIX.take(c))
    origin[inside] = before[np.searchsorted(infixes, at[inside])]
    return NUMBER[c[origin]]


def number_closes(c: Classes, at: Indices) -> Mask:
    """The bracket closes "NU (SY | IS)*"."""
    return number_ends(c, at - 1)


def number_opens(c: Classes, at: Indices) -> Mask:
    """The bracket opens "NU" or "IS NU"."""
    return NUMBER[c[at + 2]] | (POINT[c[at + 2]] & NUMBER[c[at + 3]])


def aksara_precedes(c: Classes, at: Indices) -> Mask:
    """The virama belongs to an aksara."""
    return AKSARA[c[at - 1]]


def final_virama_follows(c: Classes, at: Indices) -> Mask:
    """The second aksara is closed by a final virama."""
    return FINAL_VIRAMA[c[at + 2]]


def flag_is_half(c: Classes, at: Indices) -> Mask:
    """An odd number of regional indicators stand before the break."""
    indicators, before, _ = runs(REGIONAL.take(c))
    odd: Mask = (at - before[np.searchsorted(indicators, at)]) % 2 == 1
    return odd


Condition: TypeAlias = Callable[[Classes, Indices], Mask]


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """RULES as tables; a pair is the class before, times 128, plus the class after."""

    names: tuple[str, ...]  # by rule
    action: NDArray[np.uint8]  # by rule
    conditional: Mask  # by rule
    first: NDArray[np.uint8]  # by pair: the first rule for it
    conditions: dict[int, tuple[Condition, NDArray[np.uint8]]]  # by rule; next rule by pair


@cache
def compiled() -> Compiled:
    """The tables of RULES; takes 2 ms, once."""
    parsed = []
    for line in RULES.strip().splitlines():
        name, before, sign, after, condition = _PATTERN.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        parsed.append((name, before, sign, after.strip(), condition))
    first = np.zeros((128, 128), np.uint8)
    conditions: dict[int, tuple[Condition, NDArray[np.uint8]]] = {}
    for number, (_, before, _, after, condition) in reversed(list(enumerate(parsed))):
        if condition:
            conditions[number] = globals()[condition], first.ravel().copy()
        first[np.ix_(classes(before), classes(after))] = number
    return Compiled(
        names=tuple(name for name, *_ in parsed),
        action=np.array(["×÷!".index(sign) for _, _, sign, *_ in parsed], np.uint8),
        conditional=np.array([bool(condition) for *_, condition in parsed]),
        first=first.ravel(),
        conditions=dict(sorted(conditions.items())),
    )


_PATTERN: Final = re.compile(r"(LB\w+)\s+(.*?)\s*([×÷!])(.*?)(?:\s+if (\w+))?")
